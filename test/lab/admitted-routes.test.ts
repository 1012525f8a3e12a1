import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installGatewayApi } from '../../lab/gateway-api.ts';
import { FIRST_START_MS } from '../../lab/lab.ts';
import type { Share } from '../../src/core/share.ts';
import { splitsOf } from '../../src/core/split-annotation.ts';
import { limitsOf, standsAs } from '../../src/core/split-object.ts';
import { ROUTE_CLIENTS } from './route-clients.ts';
import { type Look, lookOf, managersOf, type RouteObject } from './route-object.ts';
import { startWorld, type World } from './shop.ts';
import {
  type Ask,
  type Asked,
  askAsKanari,
  entryAt,
  ROUTE_KINDS,
  type RouteKind,
  splitAt,
} from './split-routes.ts';

// A split stands whatever its user brings, the user notices nothing of it, and has everything back in the end.

let world: World;
let ask: Ask;

beforeAll(async () => {
  // A leader would take a split without a Deployment for what is left of one, and restore it.
  world = await startWorld({ leads: false });
  await installGatewayApi(world.lab);
  ask = await askAsKanari(world.lab);
}, FIRST_START_MS);
afterAll(() => world?.stop());

const manifests = ROUTE_KINDS.map(({ manifest }) => manifest);
const edited = ROUTE_KINDS.map(({ manifest, edit }) => ({ ...manifest, spec: edit(manifest.spec) }));

const storedIn = (namespace: string): Promise<RouteObject[]> =>
  Promise.all(
    ROUTE_KINDS.map(({ collectionIn }) =>
      world.lab.api.request<RouteObject>('GET', `${collectionIn(namespace)}/web`),
    ),
  );

const looksOf = (objects: readonly RouteObject[]): Look[] => objects.map(lookOf);

const askAll = (namespace: string, asked: Asked | undefined): Promise<RouteObject[]> =>
  Promise.all(ROUTE_KINDS.map((kind) => ask(kind, namespace, asked)));

describe.each(Object.entries(ROUTE_CLIENTS))('%s', (name, clientFor) => {
  const namespace = name.replaceAll(/[^a-z]+/g, '-');

  it('neither resets nor leaks a weight, meets no conflict, and has everything back in the end', async () => {
    await world.lab.kubectl(['create', 'namespace', namespace]);
    const client = clientFor(world.lab, namespace);
    await client.install(manifests);
    const before = await storedIn(namespace);

    expect(looksOf(await askAll(namespace, 20))).toEqual(looksOf(before.map((each) => splitAt(each, 20))));
    await client.upgrade(manifests);
    expect(looksOf(await storedIn(namespace))).toEqual(looksOf(before.map((each) => splitAt(each, 20))));
    expect(await client.drift(manifests)).toBe('');

    const changed = before.map((each, index) => ({
      ...each,
      spec: ROUTE_KINDS[index]?.edit(each.spec) ?? each.spec,
    }));
    await askAll(namespace, 50);
    await client.upgrade(edited);
    expect(looksOf(await storedIn(namespace))).toEqual(looksOf(changed.map((each) => splitAt(each, 50))));
    expect(await client.drift(edited)).toBe('');

    await askAll(namespace, 0);
    await askAll(namespace, undefined);
    const after = await storedIn(namespace);
    expect(looksOf(after)).toEqual(looksOf(changed));
    expect(after.flatMap(managersOf)).not.toContain('kanari');
    expect(await client.drift(edited)).toBe('');
    await client.upgrade(manifests);
    expect(looksOf(await storedIn(namespace))).toEqual(looksOf(before));
  });
});

describe('a share that is more than a weight', () => {
  const affinity = { cookie: 'kanari-web', maxAgeSeconds: 600 };
  const SHARES: readonly Share[] = [
    {
      weight: 0,
      match: [{ headers: { 'X-Group': { prefix: 'beta' } } }, { cookies: { group: { exact: 'b' } } }],
    },
    { weight: 0, mirror: 10 },
    { weight: 20, affinity: { ...affinity, token: '1-3fa9c2d4e5.1' } },
    { weight: 50, affinity: { ...affinity, token: '1-3fa9c2d4e5.2' } },
  ];

  it.each(['kubectl apply', 'kubectl apply --server-side'])(
    'is stored as it was derived, whatever %s brings',
    async (name) => {
      const namespace = `whole-${name.replaceAll(/[^a-z]+/g, '-')}`;
      await world.lab.kubectl(['create', 'namespace', namespace]);
      const client = ROUTE_CLIENTS[name]?.(world.lab, namespace);
      if (client === undefined) throw new Error(`no client ${name}`);
      await client.install(manifests);
      const before = await storedIn(namespace);
      for (const share of SHARES) {
        const wanted = looksOf(before.map((each) => splitAt(each, share)));
        const stored = await askAll(namespace, share);
        expect(looksOf(stored)).toEqual(wanted);
        expect(stored.flatMap(limitsOf)).toEqual([]);
        // Defaults of the API server among what is derived must not make Kanari write anew for ever.
        expect(stored.map((each) => standsAs(each, splitAt(each, share)))).toEqual(stored.map(() => true));
        await client.upgrade(manifests);
        expect(looksOf(await storedIn(namespace))).toEqual(wanted);
        expect(await client.drift(manifests)).toBe('');
      }
      await askAll(namespace, undefined);
      const after = await storedIn(namespace);
      expect(looksOf(after)).toEqual(looksOf(before));
      expect(after.flatMap(managersOf)).not.toContain('kanari');
    },
  );
});

describe('a GitOps loop', () => {
  const CLIENTS = ['kubectl apply', 'kubectl apply --server-side'];

  /** Re-applies the originals every second until told to stop. */
  const applyOften = (client: { upgrade(objects: readonly RouteObject[]): Promise<unknown> }) => {
    let stopped = false;
    let rounds = 0;
    const loop = async (): Promise<void> => {
      for (; !stopped; rounds += 1) {
        await client.upgrade(manifests);
        await sleep(1_000);
      }
    };
    const done = loop();
    const nextRound = async (): Promise<void> => {
      // The round under way may have begun before now.
      for (const enough = rounds + 2; rounds < enough; ) await Promise.race([sleep(50), done]);
    };
    const stop = async (): Promise<void> => {
      stopped = true;
      await done;
    };
    return { nextRound, stop };
  };

  it.each(CLIENTS)('of %s never brings a state without the split that Kanari asked for', async (name) => {
    const namespace = `loop-${name.replaceAll(/[^a-z]+/g, '-')}`;
    await world.lab.kubectl(['create', 'namespace', namespace]);
    const client = ROUTE_CLIENTS[name]?.(world.lab, namespace);
    if (client === undefined) throw new Error(`no client ${name}`);
    await client.install(manifests);
    const before = new Map((await storedIn(namespace)).map((each) => [each.kind, each]));
    const watching = new AbortController();
    const seen: RouteObject[] = [];
    const watch = async ({ kind, collectionIn }: RouteKind): Promise<void> => {
      const mirror = world.lab.api.mirror<RouteObject>(collectionIn(namespace), watching.signal);
      mirror.onChange((object) => seen.push({ ...object, kind }));
      await mirror.ready;
    };
    await Promise.all(ROUTE_KINDS.map(watch));

    await askAll(namespace, 0);
    const loop = applyOften(client);
    for (const weight of [0, 20, 50, 0]) {
      await askAll(namespace, weight);
      await loop.nextRound();
      const asked = (await storedIn(namespace)).map((each) => splitsOf(each)['web']);
      expect(asked).toEqual(ROUTE_KINDS.map(() => entryAt(weight)));
    }
    await askAll(namespace, undefined);
    await loop.nextRound();
    await loop.stop();
    expect(looksOf(await storedIn(namespace))).toEqual(looksOf([...before.values()]));
    watching.abort();

    const versions = seen.map((each) => {
      const user = before.get(each.kind) ?? each;
      const weight = splitsOf(each)['web']?.weight;
      return { found: lookOf(each), wanted: lookOf(weight === undefined ? user : splitAt(user, weight)) };
    });
    expect(versions.map(({ found }) => found)).toEqual(versions.map(({ wanted }) => wanted));
    // Unsplit only before the first word and after the last.
    for (const { kind } of ROUTE_KINDS) {
      const states = seen
        .filter((each) => each.kind === kind)
        .map((each) => (splitsOf(each)['web'] === undefined ? 'U' : 's'))
        .join('');
      expect(states, kind).toMatch(/^U*s+U*$/);
    }
  });
});

it('an older version of an HTTPRoute is split like the one that is stored', async () => {
  await world.lab.kubectl(['create', 'namespace', 'older']);
  const http = ROUTE_KINDS.find(({ kind }) => kind === 'HTTPRoute');
  if (http === undefined) throw new Error('no HTTPRoute');
  const older = { ...http.manifest, apiVersion: 'gateway.networking.k8s.io/v1beta1' };
  const apply = () =>
    world.lab.kubectl(['-n', 'older', 'apply', '-f', '-'], { stdin: JSON.stringify(older) });
  await apply();
  const path = `${http.collectionIn('older')}/web`;
  const before = await world.lab.api.request<RouteObject>('GET', path);
  await ask(http, 'older', 20);
  await apply();
  expect(lookOf(await world.lab.api.request('GET', path))).toEqual(lookOf(splitAt(before, 20)));
});

it('nothing of a route or a Service that carries no split is ever sent to Kanari', async () => {
  const reviews = () => world.counter('kanari_admission_requests_total');
  const before = await reviews();
  await world.lab.kubectl(['create', 'namespace', 'unsplit']);
  const client = ROUTE_CLIENTS['kubectl apply']?.(world.lab, 'unsplit');
  await client?.install(manifests);
  await client?.upgrade(edited);
  expect(await reviews()).toBe(before);
});
