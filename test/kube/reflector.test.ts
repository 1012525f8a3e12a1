import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createReflector, type ReflectorHooks, type ReflectorOptions } from '../../src/kube/reflector.ts';
import { createRest, type Rest } from '../../src/kube/rest.ts';
import { createStore } from '../../src/kube/store.ts';
import { eventually, PATIENCE } from '../eventually.ts';
import { answer, type FakeApiServer, service, startFakeApiServer, status } from './fake-api-server.ts';
import { createFakeTime, EPOCH, type FakeTime } from './fake-timing.ts';
import { createMemoryLog } from './memory-log.ts';

let server: FakeApiServer;
let rest: Rest;
let time: FakeTime;
let stop: AbortController;
let running: Promise<void> | undefined;
/** Of the reflector to the API server, without an answer yet. */
let calls: number;

beforeEach(async () => {
  server = await startFakeApiServer();
  time = createFakeTime();
  stop = new AbortController();
  running = undefined;
  // Repetitions inside a request are none of the reflector's: they pass at once.
  const timing = { ...time.clock(), sleep: () => Promise.resolve() };
  rest = createRest({ credentials: server.credentials(), userAgent: 'kanari/test', timing });
  calls = 0;
});
afterEach(async () => {
  stop.abort();
  await running;
  rest.close();
  await server.close();
});

const counted = <T>(answered: Promise<T>): Promise<T> => {
  calls += 1;
  return answered.finally(() => {
    calls -= 1;
  });
};

const start = (options: Partial<ReflectorOptions<never>> = {}) => {
  const log = createMemoryLog();
  const store = createStore({ log });
  const counts = { lists: [] as string[], idle: 0, failures: [] as string[], events: [] as string[] };
  const hooks: ReflectorHooks = {
    onList: (why) => void counts.lists.push(why),
    onIdle: () => void (counts.idle += 1),
    onFailure: (reason) => void counts.failures.push(reason),
    onEvent: (type) => void counts.events.push(type),
  };
  const reflector = createReflector({
    rest: {
      ...rest,
      request: (call) => counted(rest.request(call)),
      stream: (call) => counted(rest.stream(call)),
    },
    kind: 'Service',
    store,
    log,
    hooks,
    timing: time.clock(),
    ...(options as object),
  });
  running = reflector.run(stop.signal);
  const names = () => store.list().map(({ metadata }) => metadata.name);
  return { log, store, counts, reflector, names };
};

/** Lets fake time pass in small steps until something holds; none while an answer is awaited from a real socket. */
const passUntil = (holds: () => void, stepMs = 500) =>
  vi.waitFor(async () => {
    try {
      holds();
    } catch (error) {
      if (calls === 0) await time.advance(stepMs);
      throw error;
    }
  }, PATIENCE);
const soon = (holds: () => void) => eventually(holds);
/** Until the watch stands on the reflector's side, too: fake time would overtake its beginning. */
const watching = (times = 1) =>
  soon(() => {
    expect(server.watchRequests()).toHaveLength(times);
    expect(calls).toBe(0);
  });

describe('a reflector', () => {
  it('lists in pages and watches from the list, asking for bookmarks and an end', async () => {
    for (let index = 0; index < 1_201; index += 1) server.put(service(`s${index}`));
    const { store } = start({ labelSelector: 'app=web' });
    await watching();
    expect(store.list()).toHaveLength(1_201);
    expect(store.get('shop/s7')).toMatchObject({ apiVersion: 'v1', kind: 'Service' });
    expect(server.listRequests().map(({ query }) => query)).toEqual([
      { limit: '500', labelSelector: 'app=web' },
      { limit: '500', labelSelector: 'app=web', continue: '500' },
      { limit: '500', labelSelector: 'app=web', continue: '1000' },
    ]);
    expect(server.watchRequests()[0]).toMatchObject({
      path: '/api/v1/services',
      query: {
        watch: 'true',
        allowWatchBookmarks: 'true',
        resourceVersion: server.version(),
        // 4–6 minutes; the middle, as chance is 0.5 here
        timeoutSeconds: '300',
        labelSelector: 'app=web',
      },
    });
  });

  it('stays in one namespace when told to', async () => {
    start({ namespace: 'shop' });
    await watching();
    expect(new Set(server.requests.map(({ path }) => path))).toEqual(
      new Set(['/api/v1/namespaces/shop/services']),
    );
  });

  it('follows what is added, changed and deleted', async () => {
    const { store, names } = start();
    await watching();
    server.put(service('a'));
    server.put(service('b'));
    server.put(service('a', { novel: 1 }));
    server.delete(service('b'));
    await soon(() => expect(names()).toEqual(['a']));
    expect(store.get('shop/a')).toMatchObject({ novel: 1 });
  });

  it('tells nothing twice when events come again or late', async () => {
    const { store, counts } = start();
    const seen: string[] = [];
    store.onChange(({ after }) => seen.push(after!.metadata.resourceVersion!));
    await watching();
    const first = server.put(service('a'));
    const second = server.put(service('a'));
    server.send('MODIFIED', second);
    server.send('MODIFIED', first);
    await soon(() => expect(counts.events).toHaveLength(4));
    expect(seen).toEqual([first.metadata.resourceVersion, second.metadata.resourceVersion]);
  });

  it('cannot be started twice', async () => {
    const { reflector } = start();
    await expect(reflector.run(stop.signal)).rejects.toThrow('runs already');
  });

  it('ends when its signal aborts, with the watch closed', async () => {
    start();
    await watching();
    stop.abort();
    await running;
    await soon(() => expect(server.openWatches()).toBe(0));
  });
});

describe('a watch that ends', () => {
  it('is continued from the last event, without another list', async () => {
    const { counts } = start();
    await watching();
    server.put(service('a'));
    await soon(() => expect(counts.events).toHaveLength(1));
    await time.advance(60_000);
    server.endWatches();
    await watching(2);
    expect(server.watchRequests()[1]?.query['resourceVersion']).toBe(server.version());
    expect(counts).toMatchObject({ lists: ['start'], failures: [] });
  });

  it('is continued from the last bookmark', async () => {
    const { counts } = start();
    await watching();
    server.compact();
    server.bookmark('Service');
    await soon(() => expect(counts.events).toEqual(['BOOKMARK']));
    await time.advance(60_000);
    server.endWatches();
    await watching(2);
    expect(server.watchRequests()[1]?.query['resourceVersion']).toBe(server.version());
    expect(counts.lists).toEqual(['start']);
  });

  it('at once, again and again, is not made anew without a pause', async () => {
    start();
    await watching();
    for (const [index, pause] of [375, 750, 1_500, 3_000, 6_000].entries()) {
      await soon(() => expect(server.openWatches()).toBe(1));
      server.endWatches();
      await soon(() => expect(time.sleeping()).toEqual([pause]));
      expect(server.watchRequests()).toHaveLength(index + 1);
      await time.advance(pause);
      await watching(index + 2);
    }
  });
});

describe('a silent watch', () => {
  it('is noticed and made anew at once, and is no failure', async () => {
    const { counts, names } = start();
    await watching();
    server.putSilently(service('missed'));
    await time.advance(89_000);
    expect(server.watchRequests()).toHaveLength(1);
    await time.advance(1_500);
    await watching(2);
    await soon(() => expect(names()).toEqual(['missed']));
    expect(counts).toMatchObject({ idle: 1, failures: [], lists: ['start'] });
    await soon(() => expect(server.openWatches()).toBe(1));
  });

  it('is kept by bookmarks', async () => {
    const { counts } = start();
    await watching();
    for (let minute = 1; minute <= 5; minute += 1) {
      await time.advance(60_000);
      server.bookmark('Service');
      await soon(() => expect(counts.events).toHaveLength(minute));
    }
    expect(server.watchRequests()).toHaveLength(1);
  });

  it('shows in the time of the last message', async () => {
    const { reflector, counts } = start();
    expect(reflector.lastMessageAt()).toBeUndefined();
    await watching();
    await time.advance(30_000);
    await soon(() => expect(reflector.lastMessageAt()).toBe(EPOCH));
    server.bookmark('Service');
    await soon(() => expect(counts.events).toHaveLength(1));
    expect(reflector.lastMessageAt()).toBe(EPOCH + 30_000);
  });
});

describe('a failure', () => {
  const failing = (code: number, times: number) =>
    server.intercept(
      () => true,
      (_request, response) => answer(response, code, status(code)),
      times,
    );

  it('of the connection is survived, from where the watch was', async () => {
    const { counts, names } = start();
    await watching();
    server.put(service('a'));
    await soon(() => expect(names()).toEqual(['a']));
    server.resetWatches();
    await soon(() => expect(counts.failures).toEqual(['Unreachable']));
    server.putSilently(service('b'));
    await passUntil(() => expect(names()).toEqual(['a', 'b']));
    expect(counts.lists).toEqual(['start']);
  });

  it('of any kind is tried again, ever more slowly', async () => {
    failing(418, 8);
    const { store } = start();
    await passUntil(() => expect(store.synced()).toBe(true));
    // 0.375 + 0.75 + 1.5 + 3 + 6 + 11.25 + 11.25 + 11.25 s
    expect(time.elapsed()).toBeGreaterThanOrEqual(45_375);
  });

  it.each([401, 403])('of permission (%i) is loud and slow', async (code) => {
    failing(code, 2);
    const { log, store } = start();
    await soon(() => expect(time.sleeping()).toEqual([22_500]));
    expect(log.lines).toMatchObject([{ level: 'error' }]);
    expect(store.synced()).toBe(false);
  });

  it('to find the kind counts as an empty list, quietly, until the kind is there', async () => {
    failing(404, 3);
    const { log, store, counts } = start();
    await soon(() => expect(store.synced()).toBe(true));
    await soon(() => expect(time.sleeping()).toEqual([30_000]));
    server.put(service('a'));
    await passUntil(() => expect(store.list()).toHaveLength(1), 10_000);
    expect(log.lines.map(({ level }) => level)).toEqual(['info']);
    expect(counts).toMatchObject({ failures: [], lists: ['absent'] });
    expect(time.elapsed()).toBeGreaterThanOrEqual(90_000);
  });

  it('to decode a line leads to a new list', async () => {
    const { counts } = start();
    await watching();
    server.sendRaw('{"type":"ADDED","object":{"meta\n');
    await soon(() => expect(counts.failures).toHaveLength(1));
    await passUntil(() => expect(counts.lists).toEqual(['start', 'undecodable']));
    await watching(2);
    server.send('NOVEL', service('a'));
    await soon(() => expect(counts.failures).toHaveLength(2));
    await passUntil(() => expect(counts.lists).toHaveLength(3));
    expect(counts.failures).toEqual(['Undecodable', 'Undecodable']);
  });

  it('is forgotten after a healthy minute', async () => {
    failing(500, 12);
    const { counts } = start();
    await passUntil(() => expect(server.openWatches()).toBe(1));
    await watching();
    await time.advance(60_000);
    counts.failures.length = 0;
    server.resetWatches();
    await soon(() => expect(counts.failures).toHaveLength(1));
    expect(time.sleeping()).toEqual([375]);
  });
});

describe('an expired version', () => {
  it('is dropped: the list is read anew and only what changed is told', async () => {
    server.put(service('same'));
    server.put(service('gone'));
    const { store, counts, names } = start();
    const seen: (string | undefined)[][] = [];
    store.onChange(({ before, after }) => seen.push([before?.metadata.name, after?.metadata.name]));
    await watching();
    seen.length = 0;
    server.objects.delete('/api/v1/namespaces/shop/services/gone');
    server.putSilently(service('added'));
    server.send('ERROR', status(410));
    await soon(() => expect(counts.failures).toHaveLength(1));
    await passUntil(() => expect(names()).toEqual(['same', 'added']));
    expect(seen).toEqual([
      ['gone', undefined],
      [undefined, 'added'],
    ]);
    expect(counts).toMatchObject({ lists: ['start', 'expired'], failures: ['410 Expired'] });
  });

  it('again and again makes no storm of lists, and is loud', async () => {
    server.intercept(
      ({ query }) => query['watch'] === 'true',
      (_request, response) => answer(response, 410, status(410)),
      100,
    );
    const { counts, log } = start();
    await passUntil(() => expect(time.elapsed()).toBeGreaterThanOrEqual(60_000));
    expect(counts.lists.length).toBeGreaterThan(5);
    expect(counts.lists.length).toBeLessThan(12);
    expect(log.lines.at(-1)).toMatchObject({ level: 'error' });
  });

  it('of a page token restarts the list', async () => {
    for (let index = 0; index < 501; index += 1) server.put(service(`s${index}`));
    server.intercept(
      ({ query }) => query['continue'] !== undefined,
      (_request, response) => answer(response, 410, status(410)),
    );
    const { store, counts } = start();
    await watching();
    expect(store.list()).toHaveLength(501);
    expect(counts).toMatchObject({ lists: ['start'], failures: [] });
  });

  it('cannot come from a list without one', async () => {
    server.intercept(
      () => true,
      (_request, response) => answer(response, 200, { items: [] }),
    );
    const { counts, store } = start();
    await soon(() => expect(counts.failures).toEqual(['Undecodable']));
    expect(store.synced()).toBe(false);
    await passUntil(() => expect(store.synced()).toBe(true));
  });
});
