import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from '../../lab/lab.ts';
import type { Deployment } from '../../src/core/objects.ts';
import { eventually } from './shop.ts';

export interface FailedCall {
  /** Milliseconds since the epoch, of the answer. */
  at: number;
  message: string;
}

/** Changes of a template that the API server has to ask Kanari about, without end. */
export interface AdmissionLoad {
  calls(): number;
  failures(): FailedCall[];
  /** Resolves once no call is under way any more. */
  stop(): Promise<void>;
}

const WORKERS = 8;
const PAUSE_MS = 40;

/** In a dry run, of a template with this annotation. */
export const isHeldAtAChange = async ({ api }: Lab, namespace: string, call: string): Promise<boolean> => {
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/web?dryRun=All`;
  const change = { spec: { template: { metadata: { annotations: { call } } } } };
  return (await api.request<Deployment>('PATCH', path, change)).spec.paused === true;
};

/** Resolves once a change is held: the API server learns some time after it was written where to ask. */
export const untilChangesAreHeld = (lab: Lab, namespace: string): Promise<void> =>
  eventually(async () => {
    if (!(await isHeldAtAChange(lab, namespace, 'first'))) throw new Error('a change is not held');
  });

/** Dry runs, so that nothing comes of them; with failurePolicy Fail each call that Kanari missed is an error here. */
export const startAdmissionLoad = (lab: Lab, namespace: string): AdmissionLoad => {
  const failures: FailedCall[] = [];
  let calls = 0;
  let running = true;
  const work = async (): Promise<void> => {
    while (running) {
      calls += 1;
      try {
        if (!(await isHeldAtAChange(lab, namespace, String(calls))))
          failures.push({ at: Date.now(), message: 'not held' });
      } catch (error) {
        failures.push({ at: Date.now(), message: error instanceof Error ? error.message : String(error) });
      }
      await sleep(PAUSE_MS);
    }
  };
  const workers = Array.from({ length: WORKERS }, work);
  return {
    calls: () => calls,
    failures: () => failures,
    stop: async () => {
      running = false;
      await Promise.all(workers);
    },
  };
};
