import { join } from 'node:path';
import { ensureBinaries } from './binaries.ts';
import { type CommandResult, runCommand } from './command.ts';
import type { Lab } from './lab.ts';

/** Runs Helm in the lab as the administrator, at most four minutes. Rejects with what it said when it fails. */
export type Helm = (args: readonly string[]) => Promise<CommandResult>;

const DEADLINE_MS = 240_000;

/** Throws as `ensureBinaries` does. */
export const createHelm = async (lab: Lab): Promise<Helm> => {
  const { helm } = await ensureBinaries(['helm']);
  const folders = Object.fromEntries(
    ['CACHE', 'CONFIG', 'DATA'].map((name) => [`HELM_${name}_HOME`, join(lab.dir, 'helm', name)]),
  );
  const env = { ...process.env, ...folders, KUBECONFIG: lab.kubeconfig };
  return async (args) => {
    const result = await runCommand(helm, args, { env, signal: AbortSignal.timeout(DEADLINE_MS) });
    if (result.code === 0) return result;
    throw new Error(`helm ${args.join(' ')} exited with ${result.code}:\n${result.stderr}${result.stdout}`);
  };
};
