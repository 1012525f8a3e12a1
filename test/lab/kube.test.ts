import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ControlPlane, startControlPlane } from '../../lab/control-plane.ts';
import type { KubeObject } from '../../src/core/objects.ts';
import type { Reader, Writer } from '../../src/kube/api.ts';
import { isConflict, isInvalid } from '../../src/kube/errors.ts';
import { createEventRecorder } from '../../src/kube/events.ts';
import { loadCredentials } from '../../src/kube/kube-config.ts';
import { createElector } from '../../src/kube/lease.ts';
import { createReader } from '../../src/kube/reader.ts';
import { createReflector } from '../../src/kube/reflector.ts';
import { createRest, type Rest } from '../../src/kube/rest.ts';
import { createStore } from '../../src/kube/store.ts';
import { createWriter } from '../../src/kube/writer.ts';
import { createMemoryLog } from '../kube/memory-log.ts';

const { signal } = new AbortController();
const service = (name: string, port: number): KubeObject & { spec: object } => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default' },
  spec: { ports: [{ port }] },
});
const refOf = (name: string) => ({ kind: 'Service', namespace: 'default', name }) as const;
const caught = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );
const soon = (holds: () => void | Promise<void>) => vi.waitFor(holds, { timeout: 60_000, interval: 100 });

let dir: string;
let plane: ControlPlane;
let rest: Rest;
let writer: Writer;
let reader: Reader;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kanari-kube-'));
  plane = await startControlPlane(dir);
  const credentials = await loadCredentials({ kubeconfigPath: plane.kubeconfig });
  rest = createRest({ credentials, userAgent: 'kanari/test' });
  writer = createWriter(rest);
  reader = createReader(rest);
}, 45 * 60_000);
afterAll(async () => {
  rest?.close();
  await plane?.stop();
  await rm(dir, { recursive: true, force: true });
});

describe('a real API server', () => {
  it('takes a server-side apply, and keeps Kanari as the manager', async () => {
    const applied = await writer.apply(service('applied', 80), { signal });
    expect(applied.metadata.managedFields).toMatchObject([{ manager: 'kanari', operation: 'Apply' }]);
    const again = await writer.apply(service('applied', 80), { signal });
    expect(again.metadata.resourceVersion).toBe(applied.metadata.resourceVersion);
  });

  it('takes each kind of patch, and refuses a failed guard without writing', async () => {
    const created = await writer.create(service('patched', 80), { signal });
    const ref = refOf('patched');
    await writer.mergePatch(ref, { metadata: { annotations: { a: '1' } } }, { signal });
    await writer.strategicPatch(ref, { spec: { ports: [{ port: 80, name: 'http' }] } }, { signal });
    const stale = [
      { op: 'test' as const, path: '/metadata/resourceVersion', value: created.metadata.resourceVersion },
      { op: 'add' as const, path: '/metadata/annotations/a', value: '2' },
    ];
    expect(isInvalid(await caught(writer.jsonPatch(ref, stale, { signal })))).toBe(true);
    const body = { metadata: { resourceVersion: created.metadata.resourceVersion } };
    expect(isConflict(await caught(writer.mergePatch(ref, body, { signal })))).toBe(true);
    expect(await reader.get(ref, { signal })).toMatchObject({
      metadata: { annotations: { a: '1' } },
      // Merged by port: what the patch does not name is kept.
      spec: { ports: [{ port: 80, name: 'http', targetPort: 80 }] },
    });
  });

  it('deletes by UID, and leaves a namesake', async () => {
    const { uid } = (await writer.create(service('deleted', 80), { signal })).metadata;
    await writer.delete(refOf('deleted'), { signal, uid: '00000000-0000-0000-0000-000000000000' });
    expect((await reader.get(refOf('deleted'), { signal })).metadata.uid).toBe(uid);
    await writer.delete(refOf('deleted'), { signal, uid: uid! });
    await writer.delete(refOf('deleted'), { signal, uid: uid! });
  });

  it('takes an Event and its repetition', async () => {
    const log = createMemoryLog();
    const clock = () => Date.now();
    const recorder = createEventRecorder({ writer, component: 'kanari', clock, log, signal });
    const object = await writer.apply(service('eventful', 80), { signal });
    const content = { type: 'Normal', reason: 'Synced', message: 'Advance web canary weight 20' } as const;
    await recorder.record(object, content);
    await recorder.record(object, content);
    expect(log.lines).toEqual([]);
    const events = await reader.list<KubeObject & { count?: number; reason?: string }>('Event', {
      signal,
      namespace: 'default',
    });
    expect(events.filter(({ reason }) => reason === 'Synced')).toMatchObject([{ count: 2 }]);
  });
});

describe('the Lease', () => {
  it('is acquired, renewed, released and taken over on a real API server', async () => {
    const contend = (identity: string) => {
      const log = createMemoryLog();
      const stop = new AbortController();
      const lease = { namespace: 'default', name: 'kanari' };
      const onStartedLeading = () => Promise.resolve();
      // A busy machine may take seconds for a renewal; a release is seen at the next try.
      const times = { leaseDurationMs: 30_000, renewDeadlineMs: 20_000, retryMs: 300 };
      const elector = createElector({ writer, reader, lease, identity, onStartedLeading, log, ...times });
      return { ...elector, stop: () => stop.abort(), done: elector.run(stop.signal), log };
    };
    const renewals = new Set<unknown>();
    const a = contend('a');
    await soon(() => expect(a.isLeader()).toBe(true));
    const b = contend('b');
    await soon(async () => {
      const ref = { kind: 'Lease', namespace: 'default', name: 'kanari' } as const;
      const { spec } = await reader.get<KubeObject & { spec: Record<string, unknown> }>(ref, { signal });
      renewals.add(spec['renewTime']);
      expect(renewals.size).toBeGreaterThan(3);
    });
    await soon(() => expect([a.isLeader(), b.isLeader(), b.holder()]).toEqual([true, false, 'a']));
    a.stop();
    await a.done;
    expect(a.log.lines.map(({ message }) => message)).toEqual(['leading', 'Lease released']);
    await soon(() => expect(b.isLeader()).toBe(true));
    b.stop();
    await b.done;
  });
});

describe('a reflector', () => {
  it('follows changes, and goes on after a restart of the API server', async () => {
    const stop = new AbortController();
    const log = createMemoryLog();
    const store = createStore<KubeObject & { spec: { ports: { port: number }[] } }>({ log });
    const reflector = createReflector({ rest, kind: 'Service', store, log, namespace: 'default' });
    const done = reflector.run(stop.signal);
    await soon(() => expect(store.synced()).toBe(true));
    await writer.apply(service('followed', 80), { signal });
    const port = () => store.get('default/followed')?.spec.ports[0]?.port;
    await soon(() => expect(port()).toBe(80));
    await plane.restartApiServer();
    await writer.apply(service('followed', 81), { signal });
    await soon(() => expect(port()).toBe(81));
    await writer.delete(refOf('followed'), { signal });
    await soon(() => expect(port()).toBeUndefined());
    stop.abort();
    await done;
  });

  it('takes a kind that is not installed for empty', async () => {
    const stop = new AbortController();
    const log = createMemoryLog();
    const store = createStore({ log });
    const done = createReflector({ rest, kind: 'VirtualService', store, log }).run(stop.signal);
    await soon(() => expect(store.synced()).toBe(true));
    expect(store.list()).toEqual([]);
    stop.abort();
    await done;
  });
});
