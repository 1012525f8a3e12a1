import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandResult } from '../../lab/command.ts';
import type { Lab } from '../../lab/lab.ts';
import type { KubeObject, Pod, PodTemplate } from '../../src/core/objects.ts';
import type { CanaryStatus } from '../../src/core/run.ts';
import type { Screen } from './screen.ts';

// The namespace in which the demonstration happens, as its user sees it: through kubectl.

export const NAMESPACE = 'shop';
export const ROOT = join(import.meta.dirname, '..', '..');

const POLL_MS = 250;
// Generous: a busy machine is slow, and a wait that is stuck is told from a slow one by nothing else.
const DEADLINE_MS = 240_000;

/** Nothing else in the project reads a pod's image. */
type PodWithImage = Pod & { spec?: Pick<PodTemplate['spec'], 'containers'> };
type Canary = KubeObject & { status?: CanaryStatus };

export interface Shop {
  /** Says the command as one would type it, runs it, and says what it printed. Rejects when it fails. */
  run(command: string): Promise<void>;
  /** The same for one that may fail or take long: nothing is said until `report`. */
  runQuietly(command: string): Promise<CommandResult>;
  report(command: string, result: CommandResult): void;
  canary(): Promise<CanaryStatus | undefined>;
  /** Pods of the primary that are there to stay, as `name (uid)`. */
  primaryPods(): Promise<string[]>;
  primaryImages(): Promise<string[]>;
  /** Polls until the probe answers something; rejects after four minutes, or when the demonstration is ended. */
  until<T>(what: string, probe: () => Promise<T | undefined>): Promise<T>;
}

export const createShop = (lab: Lab, screen: Screen, signal: AbortSignal): Shop => {
  const base = `/apis/kanari.dev/v1alpha1/namespaces/${NAMESPACE}/canaries`;
  const runQuietly = (command: string): Promise<CommandResult> =>
    lab.kubectl(argumentsOf(command), { allowFailure: true, signal });
  const report = (command: string, { stdout, stderr, code }: CommandResult): void => {
    // As a terminal would show it: warnings come before the answer, errors after it.
    const printed = stderr.startsWith('Warning:') ? stderr + stdout : stdout + stderr;
    const exit = code === 0 ? '' : `\n  (exit code ${code})`;
    screen.say(`\n$ kubectl ${command}\n${indented(printed.trimEnd())}${exit}`);
  };
  const pods = async (): Promise<PodWithImage[]> => {
    const list = await lab.api.request<{ items: PodWithImage[] }>(
      'GET',
      `/api/v1/namespaces/${NAMESPACE}/pods`,
    );
    return list.items.filter(isPrimary);
  };
  return {
    runQuietly,
    report,
    run: async (command) => {
      const result = await runQuietly(command);
      report(command, result);
      if (result.code !== 0) throw new Error(`kubectl ${command} exited with ${result.code}`);
    },
    canary: async () => {
      const { items } = await lab.api.request<{ items: Canary[] }>('GET', base);
      return items.find(({ metadata }) => metadata.name === 'web')?.status;
    },
    primaryPods: async () =>
      (await pods()).map(({ metadata }) => `${metadata.name} (${metadata.uid ?? ''})`).sort(),
    primaryImages: async () => (await pods()).map(imageOf),
    until: async (what, probe) => {
      const deadline = Date.now() + DEADLINE_MS;
      for (;;) {
        const answer = await probe();
        if (answer !== undefined) return answer;
        if (Date.now() > deadline) throw new Error(`waited ${DEADLINE_MS / 1000} s in vain for ${what}`);
        await sleep(POLL_MS, undefined, { signal });
      }
    },
  };
};

/** Names of files in a command are relative to the project, wherever it is called from. */
const argumentsOf = (command: string): string[] =>
  command.split(' ').map((word) => (word.startsWith('examples/') ? join(ROOT, word) : word));

const indented = (text: string): string =>
  withoutRepetitions(text.split('\n'))
    .map((line) => `  ${line}`)
    .join('\n');

/** `kubectl rollout status` repeats itself whenever the Deployment is written. */
const withoutRepetitions = (lines: readonly string[]): string[] =>
  lines.filter((line, index) => line !== lines[index - 1]);

const isPrimary = ({ metadata }: Pod): boolean =>
  metadata.deletionTimestamp === undefined && metadata.labels?.['kanari.dev/version'] !== 'canary';

const imageOf = (pod: PodWithImage): string => pod.spec?.containers?.[0]?.image ?? '';
