import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeObject } from '../src/core/objects.ts';
import type { LabApi } from './api.ts';

// Which pods EndpointSlices offer to clients. Their controller waits 1 s, then 2 s, then 4 s, where its cache was stale,
// which happens whenever many pods come and go on a busy machine.

interface EndpointSlice extends KubeObject {
  endpoints?: { conditions?: { ready?: boolean }; targetRef?: { uid?: string } }[] | null;
}

export interface Offers {
  /** Resolves once no EndpointSlice offers the pod, or after half a minute. Rejects when the signal aborts. */
  withdrawn(podUid: string, signal: AbortSignal): Promise<void>;
}

const POLL_MS = 50;
/** As long as most pods have to end: a kubelet would wait no longer. */
const LONGEST_MS = 30_000;

/** @param signal ends the watch */
export const watchOffers = (api: LabApi, signal: AbortSignal): Offers => {
  const slices = api.mirror<EndpointSlice>('/apis/discovery.k8s.io/v1/endpointslices', signal);
  const isOffered = (podUid: string): boolean =>
    slices
      .list()
      .some(({ endpoints }) =>
        endpoints?.some(
          ({ conditions, targetRef }) => targetRef?.uid === podUid && conditions?.ready !== false,
        ),
      );
  return {
    withdrawn: async (podUid, aborted) => {
      const end = Date.now() + LONGEST_MS;
      while (isOffered(podUid) && Date.now() < end) await sleep(POLL_MS, undefined, { signal: aborted });
    },
  };
};
