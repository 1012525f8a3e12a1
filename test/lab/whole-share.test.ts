import { Agent, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIRST_START_MS, type Lab, startLab } from '../../lab/lab.ts';
import { startLoad } from '../../lab/load.ts';
import { startMesh } from '../../lab/mesh.ts';
import { splitDestinationRule } from '../../src/core/istio/destination-rule.ts';
import {
  restoreVirtualService,
  splitVirtualService,
  type VirtualService,
} from '../../src/core/istio/virtual-service.ts';
import type { KubeObject } from '../../src/core/objects.ts';
import { NO_SHARE, type Share } from '../../src/core/share.ts';
import { eventually } from './shop.ts';

// What of a share is more than a weight, as requests see it: written into a user's VirtualService and carried out by a
// proxy that never tries twice, so that nothing is masked.

const deployment = (name: string, side: string, tag: string): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  ...{
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web', 'kanari.dev/version': side } },
      template: {
        metadata: { labels: { app: 'web', 'kanari.dev/version': side } },
        spec: { containers: [{ name: 'web', image: `web:${tag}`, ports: [{ containerPort: 8080 }] }] },
      },
    },
  },
});
const SERVICE = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
};
const RULE = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: { name: 'web', namespace: 'shop' },
  spec: { host: 'web' },
};
/** Every answer says by which form of the route it came. */
const routeMarked = (mark: string): VirtualService => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'web', namespace: 'shop' },
  spec: {
    hosts: ['web'],
    http: [
      {
        headers: { response: { set: { 'x-route': mark } } },
        match: [{ headers: { cookie: { regex: '.*' } } }, { uri: { prefix: '/' } }],
        route: [{ destination: { host: 'web' } }],
      },
    ],
  },
});

let lab: Lab;
let port: number;

const apply = (...objects: object[]) =>
  lab.kubectl(['apply', '-n', 'shop', '-f', '-'], {
    stdin: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
  });

beforeAll(async () => {
  lab = await startLab();
  const mesh = await startMesh(lab, { retries: false });
  port = mesh.httpPort;
  await lab.applyYaml('apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}');
  const rule = splitDestinationRule(RULE, { web: { services: ['web'], weight: 0 } });
  await apply(SERVICE, rule, deployment('web', 'primary', 'v1'), deployment('web-canary', 'canary', 'v2'));
  for (const name of ['web', 'web-canary'])
    await lab.kubectl(['rollout', 'status', '-n', 'shop', `deployment/${name}`, '--timeout=180s']);
  // The proxy learns of each version's pods in its own time; a subset that it knows none of answers 503.
  for (const version of ['v1', 'v2'])
    await eventually(async () => expect((await ask()).version).toBe(version));
  await give(NO_SHARE);
}, FIRST_START_MS);
afterAll(() => lab?.stop());

interface Answer {
  status: number;
  version: string;
  route: string;
  cookies: string[];
}

const agent = new Agent({ keepAlive: true });
const ask = (headers: Record<string, string> = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    request({ agent, host: '127.0.0.1', port, headers: { ...headers, host: 'web.shop' } }, (response) => {
      const { 'x-version': version, 'x-route': route, 'set-cookie': cookies = [] } = response.headers;
      response.resume().once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          version: String(version),
          route: String(route),
          cookies,
        }),
      );
    })
      .on('error', reject)
      .end();
  });

let forms = 0;
/** Splits the user's route at the share, and waits until the proxy routes by it. */
const give = async (share: Share): Promise<void> => {
  forms += 1;
  const user = routeMarked(String(forms));
  const split = splitVirtualService(user, { web: { services: ['web'], ...share } });
  expect(restoreVirtualService(split)).toEqual(user);
  await apply(split);
  await eventually(async () => expect((await ask()).route).toBe(String(forms)));
};

describe('A/B', () => {
  const GROUP = { headers: { 'x-group': { exact: 'beta' } } };
  const CLIENTS = {
    header: { 'x-group': 'beta' },
    'the cookie among others': { cookie: 'a=1; group=beta-7; b=2' },
    'a cookie of another name': { cookie: 'xgroup=beta-7' },
    'another header': { 'x-group': 'betas' },
    nothing: {},
  };

  it('brings the canary the requests that fit and no other, and fails none as it comes and goes', async () => {
    const loads = Object.values(CLIENTS).map((headers) =>
      startLoad({ port, host: 'web.shop', rps: 30, headers, phase: 'settling' }),
    );
    const phase = (name: string) => loads.forEach((load) => load.phase(name));
    for (const round of ['first', 'again']) {
      await give({ weight: 0, match: [GROUP, { cookies: { group: { prefix: 'beta' } } }] });
      phase('A/B');
      await eventually(() =>
        expect(loads.every((load) => seen(load, 'A/B').requests > (round === 'first' ? 60 : 120))).toBe(true),
      );
      phase('settling');
      await give(NO_SHARE);
    }
    await Promise.all(loads.map((load) => load.stop()));
    expect(loads.flatMap((load) => load.failures())).toEqual([]);
    const versions = loads.map((load) => Object.keys(seen(load, 'A/B').versions));
    expect(versions).toEqual([['v2'], ['v2'], ['v1'], ['v1'], ['v1']]);
  });
});

const seen = (load: ReturnType<typeof startLoad>, phase: string) =>
  load.counts().find((counts) => counts.phase === phase) ?? { requests: 0, versions: {} };

/** A browser of one client. */
interface Client {
  cookie: string | undefined;
  version: string;
}

/** Each client asks once, many at a time; its answer's cookies replace those it had. */
const askAll = async (clients: Client[]): Promise<Answer[]> => {
  const answers: Answer[] = [];
  const waiting = [...clients];
  const worker = async (): Promise<void> => {
    for (let client = waiting.pop(); client !== undefined; client = waiting.pop()) {
      const answer = await ask(client.cookie === undefined ? {} : { cookie: client.cookie });
      client.cookie = answer.cookies[0]?.split(';')[0] ?? client.cookie;
      client.version = answer.version;
      answers.push(answer);
    }
  };
  await Promise.all(Array.from({ length: 20 }, worker));
  return answers;
};

const percentOf = (version: string, clients: readonly { version: string }[]): number =>
  (clients.filter((client) => client.version === version).length / clients.length) * 100;

describe('session affinity', () => {
  it('keeps each client on the side it was drawn for, and draws all anew with the next token', async () => {
    // So many that chance alone is three points off half of them once in 300,000 runs.
    const clients = Array.from({ length: 6_000 }, (): Client => ({ cookie: undefined, version: '' }));
    const affinity = { cookie: 'kanari-web', maxAgeSeconds: 600 };
    const answers: Answer[] = [];
    for (const [token, weight] of [
      ['1', 20],
      ['2', 50],
    ] as const) {
      await give({ weight, affinity: { ...affinity, token } });
      const before = clients.map(({ version }) => version);
      answers.push(...(await askAll(clients)));
      expect(Math.abs(percentOf('v2', clients) - weight), `share at ${weight} %`).toBeLessThan(3);
      const drawn = clients.map(({ version }) => version);
      for (const side of ['v1', 'v2']) {
        const had = clients.filter((_, index) => before[index] === side);
        if (had.length > 0)
          expect(Math.abs(percentOf('v2', had) - weight), `${side} redrawn`).toBeLessThan(8);
      }
      for (const _ of [1, 2]) {
        answers.push(...(await askAll(clients)));
        expect(clients.map(({ version }) => version)).toEqual(drawn);
      }
    }
    await give(NO_SHARE);
    answers.push(...(await askAll(clients)));
    expect(percentOf('v1', clients)).toBe(100);
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
  });
});

describe('mirroring', () => {
  it('brings the canary copies of the share of requests, and clients none of its failures', async () => {
    await apply(deployment('web-canary', 'canary', 'v2-errors100'));
    await lab.kubectl(['rollout', 'status', '-n', 'shop', 'deployment/web-canary', '--timeout=180s']);
    let copies = 0;
    lab.onServed(({ host, status }) => {
      if (/-shadow(:|$)/.test(host) && status === 500) copies += 1;
    });
    const load = startLoad({ port, host: 'web.shop', rps: 150, phase: 'settling' });
    await give({ weight: 0, mirror: 30 });
    load.phase('mirrored');
    const before = copies;
    await eventually(() => expect(seen(load, 'mirrored').requests).toBeGreaterThan(1_500));
    const [during, requests] = [copies - before, seen(load, 'mirrored').requests];
    load.phase('settling');
    await give(NO_SHARE);
    await load.stop();
    expect(load.failures()).toEqual([]);
    expect(Object.keys(seen(load, 'mirrored').versions)).toEqual(['v1']);
    expect(Math.abs((during / requests) * 100 - 30)).toBeLessThan(6);
  });
});
