import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createRotator, type ServingCertificate } from '../../src/certs/rotator.ts';
import { servingProblem } from '../../src/certs/validity.ts';
import { quietLog } from '../telemetry/quiet-log.ts';
import { fakeCluster } from './fake-cluster.ts';
import { DAY, START } from './key-pairs.ts';

// RSA keys take their time on a busy machine.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const SECRET = { kind: 'Secret', namespace: 'kanari-system', name: 'kanari-webhook-tls' } as const;
const CONFIGURATION = { kind: 'MutatingWebhookConfiguration', name: 'zz-kanari' } as const;
const SERVICE_NAME = 'kanari.kanari-system.svc';

const configuration = () => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingWebhookConfiguration',
  metadata: { name: 'zz-kanari' },
  webhooks: ['deployments.kanari.dev', 'routes.kanari.dev'].map((name) => ({
    name,
    failurePolicy: 'Fail',
    clientConfig: { service: { name: 'kanari', namespace: 'kanari-system', path: '/mutate' } },
  })),
});

interface Configured {
  webhooks: { clientConfig: { caBundle?: string; url?: string; service?: object } }[];
}

let cluster: ReturnType<typeof fakeCluster>;

beforeEach(() => {
  cluster = fakeCluster();
  cluster.put(configuration());
});

const replica = (webhookUrl?: string) => {
  const clock = { now: START.getTime() };
  const served: ServingCertificate[] = [];
  const { log, entries } = quietLog();
  const pauses: number[] = [];
  const steps: (() => void)[] = [];
  const rotator = createRotator({
    reader: cluster.reader,
    writer: cluster.writer,
    log,
    now: () => clock.now,
    sleep: (milliseconds) => {
      pauses.push(milliseconds);
      steps.shift()?.();
      return Promise.resolve();
    },
    namespace: 'kanari-system',
    webhookUrl,
    serve: (certificate) => void served.push(certificate),
  });
  /** Runs one pass after each of the changes (the first pass has none), then stops. */
  const runThrough = async (...changes: (() => void)[]) => {
    const stop = new AbortController();
    steps.push(...changes, () => stop.abort());
    await rotator.run(stop.signal);
  };
  return { rotator, clock, served, entries, pauses, runThrough };
};

const bundles = () =>
  (cluster.get(CONFIGURATION) as unknown as Configured).webhooks.map(({ clientConfig }) =>
    Buffer.from(clientConfig.caBundle ?? '', 'base64').toString(),
  );

const problemOf = (certificate: ServingCertificate, names: string[], at = START) =>
  servingProblem(certificate, { bundle: certificate.ca, names, at });

describe('the rotator', () => {
  it('makes the Secret, tells the API server and serves', async () => {
    const { rotator, served, runThrough } = replica();
    expect(rotator.problem()).toBe('no certificate yet');
    await runThrough();
    expect(served).toHaveLength(1);
    expect(problemOf(served[0]!, [SERVICE_NAME])).toBeUndefined();
    expect(bundles()).toEqual([served[0]!.ca, served[0]!.ca]);
    expect(rotator.current()).toBe(served[0]);
    expect(rotator.problem()).toBeUndefined();
  });

  it('writes only the bundle, guarded by the version it read', async () => {
    await replica().runThrough();
    const patch = cluster.writes.find(({ ref }) => ref.kind === 'MutatingWebhookConfiguration');
    expect(patch?.operations?.map(({ op, path }) => `${op} ${path}`)).toEqual([
      'test /metadata/resourceVersion',
      'add /webhooks/0/clientConfig/caBundle',
      'add /webhooks/1/clientConfig/caBundle',
    ]);
  });

  it('writes nothing more while all is well', async () => {
    const { runThrough, pauses, served } = replica();
    await runThrough();
    const { length } = cluster.writes;
    await runThrough(
      () => {},
      () => {},
    );
    expect(cluster.writes).toHaveLength(length);
    expect(served).toHaveLength(1);
    expect(new Set(pauses)).toEqual(new Set([30_000]));
  });

  it('puts the bundle back when a re-applied manifest took it away', async () => {
    const { runThrough, served } = replica();
    await runThrough(() => void cluster.put(configuration()));
    expect(bundles()).toEqual([served[0]!.ca, served[0]!.ca]);
  });

  it('registers a URL instead of the Service when it is given one, and serves its host', async () => {
    const { runThrough, served } = replica('https://127.0.0.1:8443');
    await runThrough(() => {});
    const { webhooks } = cluster.get(CONFIGURATION) as unknown as Configured;
    expect(webhooks.map(({ clientConfig }) => [clientConfig.url, clientConfig.service])).toEqual([
      ['https://127.0.0.1:8443/mutate', undefined],
      ['https://127.0.0.1:8443/mutate-routes', undefined],
    ]);
    expect(problemOf(served[0]!, ['127.0.0.1'])).toBeUndefined();
  });

  it('shares one Secret with other replicas', async () => {
    const [one, two] = [replica(), replica()];
    await one.runThrough();
    await two.runThrough();
    expect(two.served[0]!.cert).toBe(one.served[0]!.cert);
    expect(cluster.writes.filter(({ ref }) => ref.kind === 'Secret')).toHaveLength(1);
  });

  it('takes what another replica created meanwhile', async () => {
    const winner = replica();
    await winner.runThrough();
    const secret = structuredClone(cluster.get(SECRET)!);
    cluster = fakeCluster();
    cluster.put(configuration());
    cluster.hooks.before = () => {
      cluster.hooks.before = () => {};
      cluster.put(secret);
    };
    const loser = replica();
    await loser.runThrough();
    expect(loser.served.map(({ cert }) => cert)).toEqual([winner.served[0]!.cert]);
  });

  it.each<[string, Record<string, string> | undefined]>([
    ['is empty', undefined],
    ['lacks a key', { 'tls.crt': '' }],
    ['is garbage', { 'ca.crt': '!!', 'ca.key': 'AAAA', 'tls.crt': 'x', 'tls.key': 'y' }],
  ])('heals a Secret that %s', async (_, data) => {
    const { name, namespace } = SECRET;
    cluster.put({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, ...(data && { data }) });
    const { runThrough, served } = replica();
    await runThrough();
    expect(problemOf(served[0]!, [SERVICE_NAME])).toBeUndefined();
  });

  it('renews the leaf at two thirds of its life and swaps it', async () => {
    const { runThrough, served, clock } = replica();
    await runThrough(() => {
      clock.now += 21 * DAY;
    });
    expect(served).toHaveLength(2);
    expect(served[1]!.ca).toBe(served[0]!.ca);
    expect(served[1]!.expiresAt.getTime()).toBe(clock.now + 30 * DAY);
  });

  it('tells the API server to trust a new bundle before it serves by it', async () => {
    const { runThrough, served } = replica();
    const trusted: boolean[] = [];
    const push = served.push.bind(served);
    served.push = (certificate) => {
      trusted.push(bundles().every((bundle) => bundle === certificate.ca));
      return push(certificate);
    };
    await runThrough(() => {
      const { apiVersion, kind, metadata } = cluster.get(SECRET)!;
      cluster.put({ apiVersion, kind, metadata });
    });
    expect(trusted).toEqual([true, true]);
  });

  it('serves though the configuration is missing, says so once and looks again soon', async () => {
    cluster = fakeCluster();
    const { rotator, runThrough, served, pauses, entries } = replica();
    await runThrough(() => {});
    expect(served).toHaveLength(1);
    expect(rotator.problem()).toContain('zz-kanari does not trust');
    expect(pauses).toEqual([1_000, 1_000]);
    expect(entries.filter(({ msg }) => msg === 'webhook not registered')).toHaveLength(1);
  });

  it('goes on when the API server fails, and is well again when that is', async () => {
    const { rotator, runThrough, entries } = replica();
    cluster.hooks.failReads = 503;
    await runThrough(() => {
      cluster.hooks.failReads = undefined;
    });
    expect(entries).toContainEqual(expect.objectContaining({ msg: 'certificates could not be checked' }));
    expect(rotator.problem()).toBeUndefined();
  });

  it('is not ready with an expired certificate', async () => {
    const { rotator, runThrough, clock } = replica();
    await runThrough();
    clock.now += 30 * DAY;
    expect(rotator.problem()).toContain('expired');
  });

  it('never logs a key', async () => {
    const { runThrough, entries } = replica();
    await runThrough();
    expect(JSON.stringify(entries)).not.toContain('PRIVATE KEY');
  });
});
