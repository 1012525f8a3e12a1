import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeObject } from '../src/core/objects.ts';
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

/** Writes a chart `web` into the folder, or writes it anew: its templates are the objects, each of another kind. */
export const writeChart = async (folder: string, objects: readonly KubeObject[]): Promise<void> => {
  await mkdir(join(folder, 'templates'), { recursive: true });
  await writeFile(join(folder, 'Chart.yaml'), 'apiVersion: v2\nname: web\nversion: 0.1.0\n');
  for (const object of objects)
    await writeFile(join(folder, 'templates', `${object.kind}.yaml`), JSON.stringify(object));
};
