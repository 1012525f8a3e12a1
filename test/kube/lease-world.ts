import { KubeError } from '../../src/kube/errors.ts';
import { createElector, type ElectorOptions } from '../../src/kube/lease.ts';
import { createReader } from '../../src/kube/reader.ts';
import type { Rest, RestCall } from '../../src/kube/rest.ts';
import { createWriter } from '../../src/kube/writer.ts';
import { createFakeTime } from './fake-timing.ts';
import { createMemoryLog } from './memory-log.ts';

export type Fate = 'ok' | 'lost request' | 'lost answer' | { delayMs: number };

interface LeaseObject {
  metadata: { name: string; namespace: string; resourceVersion: string };
  spec: Record<string, unknown>;
}

const unreachable = () => new KubeError({ status: 0, reason: 'Unreachable', message: 'reset' });
const refused = (status: number, reason: string) => new KubeError({ status, reason, message: reason });

/** One Lease in memory, contended for by electors whose clocks differ and whose calls meet a fate each. */
export const createLeaseWorld = () => {
  const time = createFakeTime();
  const world = { lease: undefined as LeaseObject | undefined, version: 1, time };

  const serve = (call: RestCall): unknown => {
    const { lease } = world;
    if (call.method === 'POST' && lease !== undefined) throw refused(409, 'AlreadyExists');
    if (call.method !== 'POST' && lease === undefined) throw refused(404, 'NotFound');
    if (call.method === 'GET') return structuredClone(lease);
    const body = call.body as LeaseObject;
    const guard = call.method === 'PATCH' ? body.metadata.resourceVersion : undefined;
    if (call.method === 'PATCH' && guard !== lease?.metadata.resourceVersion) throw refused(409, 'Conflict');
    world.version += 1;
    const metadata = { name: 'kanari', namespace: 'kanari-system', resourceVersion: String(world.version) };
    world.lease = { metadata, spec: { ...lease?.spec, ...structuredClone(body.spec) } };
    return structuredClone(world.lease);
  };

  const restOf = (fate: () => Fate): Rest => ({
    stream: () => Promise.reject(unreachable()),
    close: () => {},
    request: async (call) => {
      const met = fate();
      if (met === 'lost request') throw unreachable();
      if (typeof met === 'object') await time.clock().sleep(met.delayMs, call.signal);
      const result = serve(call);
      // Cut off by its deadline, yet arrived: the worst case.
      call.signal.throwIfAborted();
      if (met === 'lost answer') throw unreachable();
      return result;
    },
  });

  const contend = (
    identity: string,
    options: Partial<ElectorOptions> & {
      fate?: () => Fate;
      skew?: { offsetMs?: number; rate?: number };
    } = {},
  ) => {
    const { fate = () => 'ok', skew, ...overrides } = options;
    const rest = restOf(fate);
    const log = createMemoryLog();
    const stop = new AbortController();
    const terms: AbortSignal[] = [];
    const elector = createElector({
      writer: createWriter(rest),
      reader: createReader(rest),
      lease: { namespace: 'kanari-system', name: 'kanari' },
      identity,
      timing: time.clock(skew),
      log,
      onStartedLeading: (signal) => {
        terms.push(signal);
        return Promise.resolve();
      },
      ...overrides,
    });
    const done = elector.run(stop.signal);
    done.catch(() => {});
    return { ...elector, stop: () => stop.abort(), done, terms, log };
  };

  return {
    ...world,
    get lease() {
      return world.lease;
    },
    set lease(lease) {
      world.lease = lease;
    },
    contend,
  };
};
