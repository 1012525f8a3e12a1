import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/core/objects.ts';
import type { Writer } from '../../src/kube/api.ts';
import { KubeError } from '../../src/kube/errors.ts';
import { createEventRecorder } from '../../src/kube/events.ts';
import { createMemoryLog } from './memory-log.ts';

const START = Date.parse('2026-11-21T02:38:00.123Z');
const web: KubeObject = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'shop', uid: 'u1', resourceVersion: '7' },
};
const advanced = { type: 'Normal', reason: 'Synced', message: 'Advance web canary weight 20' } as const;

const setUp = () => {
  const clock = { now: START };
  const log = createMemoryLog();
  const created: Record<string, unknown>[] = [];
  const patched: { name: string; namespace: string | undefined; body: object }[] = [];
  const fail = { create: undefined as Error | undefined, patch: undefined as Error | undefined };
  const writer = {
    create: (object: KubeObject) => {
      if (fail.create !== undefined) return Promise.reject(fail.create);
      created.push(object as never);
      return Promise.resolve(object);
    },
    mergePatch: (ref: { name: string; namespace?: string }, body: object) => {
      if (fail.patch !== undefined) return Promise.reject(fail.patch);
      patched.push({ name: ref.name, namespace: ref.namespace, body });
      return Promise.resolve(web);
    },
  } as unknown as Writer;
  const { signal } = new AbortController();
  const recorder = createEventRecorder({
    writer,
    component: 'kanari',
    instance: 'kanari-1',
    clock: () => clock.now,
    log,
    signal,
  });
  return { recorder, clock, log, created, patched, fail };
};

describe('an Event', () => {
  it('says about which object, by whom and when, in whole seconds', async () => {
    const { recorder, created } = setUp();
    await recorder.record(web, advanced);
    expect(created).toEqual([
      {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: expect.stringMatching(/^web\.[0-9a-f]{16}$/), namespace: 'shop' },
        involvedObject: {
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          name: 'web',
          namespace: 'shop',
          uid: 'u1',
          resourceVersion: '7',
        },
        ...advanced,
        source: { component: 'kanari' },
        reportingComponent: 'kanari',
        reportingInstance: 'kanari-1',
        firstTimestamp: '2026-11-21T02:38:00Z',
        lastTimestamp: '2026-11-21T02:38:00Z',
        count: 1,
      },
    ]);
  });

  it('has a name that follows from its content and start', async () => {
    const [first, second] = [setUp(), setUp()];
    for (const { recorder } of [first, second]) await recorder.record(web, advanced);
    await second.recorder.record(web, { ...advanced, message: 'other' });
    const names = second.created.map(({ metadata }) => (metadata as { name: string }).name);
    expect(first.created[0]).toEqual(second.created[0]);
    expect(new Set(names).size).toBe(2);
  });

  it('stays within what the API server takes', async () => {
    const { recorder, created } = setUp();
    const name = 'n'.repeat(253);
    await recorder.record(
      { ...web, metadata: { ...web.metadata, name } },
      { ...advanced, message: 'm'.repeat(5000) },
    );
    const event = created[0] as { message: string; metadata: { name: string } };
    expect(event.message).toHaveLength(1024);
    expect(event.metadata.name.length).toBeLessThanOrEqual(253);
  });
});

describe('a repetition', () => {
  it('within 10 minutes raises the count, also of two at the same moment', async () => {
    const { recorder, clock, created, patched } = setUp();
    await Promise.all([recorder.record(web, advanced), recorder.record(web, advanced)]);
    clock.now += 9 * 60_000;
    await recorder.record(web, advanced);
    expect(created).toHaveLength(1);
    const { name } = created[0]!['metadata'] as { name: string };
    expect(patched).toEqual([
      { name, namespace: 'shop', body: { count: 2, lastTimestamp: '2026-11-21T02:38:00Z' } },
      { name, namespace: 'shop', body: { count: 3, lastTimestamp: '2026-11-21T02:47:00Z' } },
    ]);
  });

  it('later is an Event of its own', async () => {
    const { recorder, clock, created } = setUp();
    await recorder.record(web, advanced);
    clock.now += 10 * 60_000 + 1;
    await recorder.record(web, advanced);
    expect(created).toHaveLength(2);
    expect(created[0]).not.toEqual(created[1]);
  });

  it('of an Event that was deleted makes it anew', async () => {
    const { recorder, created, fail } = setUp();
    await recorder.record(web, advanced);
    fail.patch = new KubeError({ status: 404, reason: 'NotFound', message: 'gone' });
    await recorder.record(web, advanced);
    expect(created).toHaveLength(2);
  });
});

describe('the rate', () => {
  it('of one object is 25 at once, then one per 5 s; others are not affected', async () => {
    const { recorder, clock, created } = setUp();
    const burst = async (count: number) => {
      for (let index = 0; index < count; index += 1) {
        await recorder.record(web, { ...advanced, message: `${clock.now} ${index}` });
      }
    };
    await burst(40);
    expect(created).toHaveLength(25);
    clock.now += 10_000;
    await burst(5);
    expect(created).toHaveLength(27);
    await recorder.record({ ...web, metadata: { ...web.metadata, uid: 'u2' } }, advanced);
    expect(created).toHaveLength(28);
  });
});

it('never fails its caller', async () => {
  const { recorder, log, fail } = setUp();
  fail.create = new KubeError({ status: 403, reason: 'Forbidden', message: 'no' });
  await recorder.record(web, advanced);
  expect(log.lines).toMatchObject([
    { level: 'warn', fields: { object: 'shop/web', reason: '403 Forbidden' } },
  ]);
});
