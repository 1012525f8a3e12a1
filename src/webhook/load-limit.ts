// The API server has at most 200 changes under way by default, and few of them are for us: beyond, it is no API server.
const MOST_REQUESTS = 256;
// Four of the largest reviews there are, or hundreds of ordinary ones.
const MOST_BYTES = 32 * 1024 * 1024;

export type Overload = 'TooManyRequests' | 'TooManyBytes';

export type Admission = { ok: true; leave: () => void } | { ok: false; reason: Overload };

/** Counts what is under way, so that neither memory nor the queue of work grows without bounds. */
export interface LoadLimit {
  /** With the size of the body as announced. Whoever was let in calls `leave` once. */
  enter: (bytes: number) => Admission;
  requests: () => number;
  bytes: () => number;
}

export const createLoadLimit = ({
  mostRequests = MOST_REQUESTS,
  mostBytes = MOST_BYTES,
}: {
  mostRequests?: number;
  mostBytes?: number;
} = {}): LoadLimit => {
  let requests = 0;
  let bytes = 0;
  return {
    enter: (size) => {
      if (requests + 1 > mostRequests) return { ok: false, reason: 'TooManyRequests' };
      if (bytes + size > mostBytes) return { ok: false, reason: 'TooManyBytes' };
      requests += 1;
      bytes += size;
      const leave = (): void => {
        requests -= 1;
        bytes -= size;
      };
      return { ok: true, leave };
    },
    requests: () => requests,
    bytes: () => bytes,
  };
};
