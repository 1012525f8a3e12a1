import { beforeEach, describe, expect, it } from 'vitest';
import { createAuthority } from '../../src/certs/authority.ts';
import type { ServingCertificate } from '../../src/certs/certificate-source.ts';
import { isTrusted, servingProblem, splitBundle } from '../../src/certs/validity.ts';
import { fakeCluster } from './fake-cluster.ts';
import { DAY, START } from './key-pairs.ts';
import {
  bundles,
  type Cluster,
  CONFIGURATION,
  configuration,
  LOOK_MS,
  replaceSecret,
  SECRET,
  SERVICE_NAME,
  startReplica,
  trustAlso,
} from './replica.ts';

const SECOND = 1_000;
let cluster: Cluster;
let clock: { now: number };

beforeEach(() => {
  cluster = fakeCluster();
  cluster.put(configuration());
  clock = { now: START.getTime() };
});

const replica = (webhookUrl?: string) =>
  startReplica({ cluster, clock, ...(webhookUrl === undefined ? {} : { webhookUrl }) });

const problemOf = (certificate: ServingCertificate, names: string[], at = START) =>
  servingProblem(certificate, { bundle: certificate.ca, names, at });

describe('the rotator', () => {
  it('makes the Secret, tells the API server and serves', async () => {
    const { rotator, served, live } = replica();
    expect(rotator.problem()).toBe('no certificate yet');
    await live(10 * SECOND);
    expect(served).toHaveLength(1);
    expect(problemOf(served[0]!, [SERVICE_NAME])).toBeUndefined();
    expect(bundles(cluster)).toEqual([served[0]!.ca, served[0]!.ca]);
    expect(rotator.current()).toEqual(served[0]);
    expect(rotator.problem()).toBeUndefined();
  });

  it('is ready once API servers had time to learn the bundle, at once where it stood before', async () => {
    const first = replica();
    await first.pass();
    expect(first.rotator.problem()).toBe('API servers are still learning what zz-kanari trusts');
    await first.live(4 * SECOND);
    expect(first.rotator.problem()).toContain('still learning');
    await first.live(4 * SECOND);
    expect(first.rotator.problem()).toBeUndefined();
    clock.now += 60 * SECOND;
    const second = replica();
    await second.pass();
    expect(second.rotator.problem()).toBeUndefined();
  });

  it('writes only the bundle, guarded by the version it read', async () => {
    await replica().pass();
    const patch = cluster.writes.find(({ ref }) => ref.kind === 'MutatingWebhookConfiguration');
    expect(patch?.operations?.map(({ op, path }) => `${op} ${path}`)).toEqual([
      'test /metadata/resourceVersion',
      'add /webhooks/0/clientConfig/caBundle',
      'add /webhooks/1/clientConfig/caBundle',
    ]);
  });

  it('writes nothing more while all is well, and looks every 20 s', async () => {
    const { live, pauses, served } = replica();
    await live(10 * SECOND);
    const { length } = cluster.writes;
    await live(120 * SECOND);
    expect(cluster.writes).toHaveLength(length);
    expect(served).toHaveLength(1);
    expect(new Set(pauses.slice(-5))).toEqual(new Set([20 * SECOND]));
  });

  it('shares one Secret with other replicas', async () => {
    const [one, two] = [replica(), replica()];
    await one.pass();
    await two.pass();
    expect(two.served[0]!.cert).toBe(one.served[0]!.cert);
    expect(cluster.writes.filter(({ ref }) => ref.kind === 'Secret')).toHaveLength(1);
  });

  it('takes what another replica created meanwhile', async () => {
    const winner = replica();
    await winner.pass();
    const secret = structuredClone(cluster.get(SECRET)!);
    cluster = fakeCluster();
    cluster.put(configuration());
    cluster.hooks.before = () => {
      cluster.hooks.before = () => {};
      cluster.put(secret);
    };
    const loser = replica();
    await loser.pass();
    expect(loser.served.map(({ cert }) => cert)).toEqual([winner.served[0]!.cert]);
  });

  it('renews the leaf at two thirds of its life and swaps it', async () => {
    const { live, served } = replica();
    await live(10 * SECOND);
    clock.now += 21 * DAY;
    const awakeAt = clock.now;
    await live(10 * SECOND);
    expect(served).toHaveLength(2);
    expect(served[1]!.ca).toBe(served[0]!.ca);
    // API servers may have slept as well: 5 s to learn by whom it is issued.
    expect(served[1]!.expiresAt.getTime()).toBe(awakeAt + 5 * SECOND + 30 * DAY);
  });

  it('serves though the configuration is missing, and says so once', async () => {
    cluster = fakeCluster();
    const { rotator, live, served, entries } = replica();
    await live(60 * SECOND);
    expect(served).toHaveLength(1);
    expect(rotator.problem()).toBe('there is no webhook configuration zz-kanari');
    expect(entries.filter(({ msg }) => msg === 'there is no webhook configuration zz-kanari')).toHaveLength(
      1,
    );
  });

  it('goes on when the API server fails, ever more seldom, and is well again when that is', async () => {
    const { rotator, live, entries, pauses } = replica();
    cluster.hooks.failReads = 503;
    await live(60 * SECOND);
    expect(entries).toContainEqual(expect.objectContaining({ msg: 'certificates could not be checked' }));
    expect(rotator.problem()).toBe('no certificate yet: HTTP 503');
    expect(pauses.slice(0, 6)).toEqual([1, 2, 4, 8, 16, 20].map((seconds) => seconds * SECOND));
    cluster.hooks.failReads = undefined;
    await live(10 * SECOND);
    expect(rotator.problem()).toBeUndefined();
  });

  it('is not ready with an expired certificate', async () => {
    const { rotator, live } = replica();
    await live(10 * SECOND);
    cluster.hooks.failReads = 503;
    clock.now += 30 * DAY;
    expect(rotator.problem()).toContain('expired');
  });

  it('never logs a key', async () => {
    const { live, entries } = replica();
    await live(10 * SECOND);
    expect(JSON.stringify(entries)).not.toContain('PRIVATE KEY');
  });
});

describe('a damaged Secret', () => {
  const DAMAGES: [string, Record<string, string> | undefined][] = [
    ['is empty', undefined],
    ['lacks a leaf', { 'tls.crt': '' }],
    ['is garbage', { 'ca.crt': '!!', 'ca.key': 'AAAA', 'tls.crt': 'x', 'tls.key': 'y' }],
  ];

  it.each(DAMAGES)('that %s is healed from nothing', async (_, data) => {
    replaceSecret(cluster, data);
    const { live, served, rotator } = replica();
    await live(10 * SECOND);
    expect(problemOf(served[0]!, [SERVICE_NAME])).toBeUndefined();
    expect(rotator.problem()).toBeUndefined();
  });

  it.each(DAMAGES)('that %s is healed while the leaf before keeps serving', async (_, data) => {
    const { live, pass, served, rotator } = replica();
    await live(10 * SECOND);
    replaceSecret(cluster, data);
    await pass();
    expect(served).toHaveLength(1);
    expect(rotator.problem()).toBeUndefined();
    expect(splitBundle(bundles(cluster)[0]!)).toHaveLength(2);
    await live(10 * SECOND);
    expect(served).toHaveLength(2);
    expect(rotator.problem()).toBeUndefined();
    expect(problemOf(served[1]!, [SERVICE_NAME])).toBeUndefined();
  });

  it('does not grow the bundle without end, however often it is lost', async () => {
    const { live, pass, rotator } = replica();
    await live(10 * SECOND);
    for (let loss = 0; loss < 9; loss += 1) {
      replaceSecret(cluster, undefined);
      await pass();
      expect(rotator.problem()).toBeUndefined();
    }
    expect(splitBundle(bundles(cluster)[0]!)).toHaveLength(8);
  });
});

describe('a Secret from before', () => {
  it('fails no replica that serves by the present one', async () => {
    const [first, second] = [replica(), replica()];
    await first.live(10 * SECOND);
    const backup = structuredClone(cluster.get(SECRET)!);
    replaceSecret(cluster, undefined);
    await first.live(10 * SECOND);
    await second.live(10 * SECOND);
    const [present = ''] = splitBundle(bundles(cluster)[0]!);
    cluster.put(configuration({ caBundle: Buffer.from(present).toString('base64') }));
    cluster.put(backup);
    const fresh = replica();
    await fresh.pass();
    for (const { rotator } of [first, second]) {
      expect(isTrusted(rotator.current()!.cert, { bundle: bundles(cluster)[0]!, at: START })).toBe(true);
    }
    await fresh.live(10 * SECOND);
    expect(fresh.rotator.problem()).toBeUndefined();
  });
});

describe('a configuration that somebody else changes', () => {
  const foreign = (...managers: string[]) => {
    const changed = configuration({ caBundle: Buffer.from('theirs').toString('base64') });
    changed.metadata.managedFields = managers.map((manager) => ({
      manager,
      fieldsV1: { 'f:webhooks': { 'k:{"name":"x"}': { 'f:clientConfig': { 'f:caBundle': {} } } } },
    }));
    cluster.put(changed);
  };

  it('is put right within 30 s', async () => {
    const { live, served, rotator } = replica();
    await live(10 * SECOND);
    cluster.put(configuration());
    await live(20 * SECOND);
    expect(bundles(cluster)).toEqual([served[0]!.ca, served[0]!.ca]);
    expect(rotator.problem()).toBeUndefined();
  });

  it('takes readiness away no longer than it stands', async () => {
    const { live, pass, rotator } = replica();
    await live(10 * SECOND);
    cluster.put(configuration());
    cluster.hooks.before = () => {
      throw new Error('not yet');
    };
    await pass();
    expect(rotator.problem()).toBe('zz-kanari does not trust the certificate');
    cluster.hooks.before = () => {};
    await pass();
    expect(rotator.problem()).toBeUndefined();
  });

  it('again and again is put right ever more seldom, and says who it is', async () => {
    const { live, pass, rotator, entries } = replica();
    await live(10 * SECOND);
    const { length } = cluster.writes;
    for (let minute = 0; minute < 60; minute += 1) {
      foreign('kanari', 'cainjector');
      await pass();
      clock.now += 60 * SECOND;
    }
    // 3 at once, then after 1, 2, 4, 8, 16 and 30 minutes.
    expect(cluster.writes.length - length).toBe(8);
    foreign('kanari', 'cainjector');
    await pass();
    expect(rotator.problem()).toMatch(
      /^cainjector keeps changing caBundle or address of zz-kanari; put right/,
    );
    expect(entries.filter(({ msg }) => String(msg).startsWith('cainjector keeps')).length).toBeLessThan(10);
    await live(31 * 60 * SECOND);
    expect(rotator.problem()).toBeUndefined();
  });

  it('to another authority each time is put right ever more seldom, too', async () => {
    const { live, pass, rotator } = replica();
    await live(10 * SECOND);
    const own = bundles(cluster)[0]!;
    const theirs = await Promise.all(Array.from({ length: 6 }, () => createAuthority(START)));
    for (const { cert } of theirs) {
      cluster.put(configuration({ caBundle: Buffer.from(cert).toString('base64') }));
      await pass();
      clock.now += SECOND;
    }
    expect(rotator.problem()).toContain('somebody keeps changing caBundle');
    await live(31 * 60 * SECOND);
    expect(bundles(cluster)).toEqual([own, own]);
  });

  it('after the clock was set back is put right as soon as ever', async () => {
    const { live, pass, rotator } = replica();
    await live(10 * SECOND);
    foreign('kubectl');
    await pass();
    clock.now -= 30 * 60 * SECOND;
    foreign('kubectl');
    await pass();
    expect(rotator.problem()).toBeUndefined();
  });

  it('over all of it is put right whole: no replica needs what took its place', async () => {
    const { live } = replica();
    await live(10 * SECOND);
    const own = bundles(cluster);
    const { cert } = await createAuthority(START);
    cluster.put(configuration({ caBundle: Buffer.from(cert).toString('base64') }));
    await live(30 * SECOND);
    expect(bundles(cluster)).toEqual(own);
  });

  it('by an authority more has it for an hour: a replica may serve by that', async () => {
    const { live } = replica();
    await live(10 * SECOND);
    const own = bundles(cluster)[0]!;
    trustAlso(cluster, (await createAuthority(START)).cert);
    await live(59 * 60 * SECOND, LOOK_MS);
    expect(splitBundle(bundles(cluster)[0]!)).toHaveLength(2);
    await live(2 * 60 * SECOND, LOOK_MS);
    expect(bundles(cluster)).toEqual([own, own]);
  });

  it('now and then is put right each time', async () => {
    const { live, rotator } = replica();
    await live(10 * SECOND);
    for (let day = 0; day < 8; day += 1) {
      foreign('kubectl');
      await live(10 * SECOND);
      expect(rotator.problem()).toBeUndefined();
      clock.now += 20 * 60 * SECOND;
      await live(10 * SECOND);
    }
  });
});

describe('the address', () => {
  it('is the URL instead of the Service when one is given, whose host is served', async () => {
    const { live, served } = replica('https://127.0.0.1:8443');
    await live(10 * SECOND);
    const { webhooks } = cluster.get(CONFIGURATION) as ReturnType<typeof configuration>;
    expect(webhooks.map(({ clientConfig }) => [clientConfig.url, clientConfig.service])).toEqual([
      ['https://127.0.0.1:8443/mutate', undefined],
      ['https://127.0.0.1:8443/mutate-routes', undefined],
    ]);
    expect(problemOf(served[0]!, ['127.0.0.1'])).toBeUndefined();
  });

  it('is the Service again once the URL is not given any more', async () => {
    await replica('https://127.0.0.1:8443').live(10 * SECOND);
    const { live, rotator } = replica();
    await live(10 * SECOND);
    const { webhooks } = cluster.get(CONFIGURATION) as ReturnType<typeof configuration>;
    const service = { namespace: 'kanari-system', name: 'kanari', port: 443 };
    expect(webhooks.map(({ clientConfig }) => [clientConfig.url, clientConfig.service])).toEqual([
      [undefined, { ...service, path: '/mutate' }],
      [undefined, { ...service, path: '/mutate-routes' }],
    ]);
    expect(rotator.problem()).toBeUndefined();
  });

  it('is left alone while it is a Service', async () => {
    const before = configuration();
    await replica().live(10 * SECOND);
    const { webhooks } = cluster.get(CONFIGURATION) as ReturnType<typeof configuration>;
    expect(webhooks.map(({ clientConfig }) => clientConfig.service)).toEqual(
      before.webhooks.map(({ clientConfig }) => clientConfig.service),
    );
  });
});
