import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { issueLeaf } from '../../src/certs/authority.ts';
import { createCertificateFiles } from '../../src/certs/certificate-files.ts';
import { isTrusted, splitBundle } from '../../src/certs/validity.ts';
import { quietLog } from '../telemetry/quiet-log.ts';
import { fakeCluster } from './fake-cluster.ts';
import { type Issued, issued, later, START } from './key-pairs.ts';
import { bundles, type Cluster, configuration, LOOK_MS, SERVICE_NAME, startReplica } from './replica.ts';

const SECOND = 1_000;
const HOUR = 3_600_000;
let one: Issued;
let two: Issued;
let cluster: Cluster;
let clock: { now: number };
let root: string;
let swaps = 0;

beforeAll(async () => {
  one = await issued([SERVICE_NAME], START);
  two = await issued([SERVICE_NAME], START);
});

beforeEach(async () => {
  cluster = fakeCluster();
  cluster.put(configuration());
  clock = { now: START.getTime() };
  root = await mkdtemp(join(tmpdir(), 'kanari-certs-'));
});
afterEach(() => rm(root, { recursive: true }));

/** As a kubelet does it: a new folder, and one link that is swapped. */
const mount = async (files: Record<string, string>): Promise<void> => {
  swaps += 1;
  const version = join(root, `..${swaps}`);
  await mkdir(version);
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(version, name), text);
    await symlink(join('..data', name), join(root, name)).catch(() => undefined);
  }
  await symlink(`..${swaps}`, join(root, '..next'));
  await rename(join(root, '..next'), join(root, '..data'));
};

const filesOf = ({ authority, leaf }: Issued) => ({
  'tls.crt': leaf.cert,
  'tls.key': leaf.key,
  'ca.crt': authority.cert,
});

const replica = () => {
  const { log, entries } = quietLog();
  return { ...startReplica({ cluster, clock, source: createCertificateFiles(root, log) }), told: entries };
};

describe('certificate files', () => {
  it('are served with, and their authority registered; the Secret is left alone', async () => {
    await mount(filesOf(one));
    const { live, served, rotator } = replica();
    await live(10 * SECOND);
    expect(served.map(({ cert }) => cert)).toEqual([one.leaf.cert]);
    expect(bundles(cluster)).toEqual([one.authority.cert, one.authority.cert]);
    expect(rotator.problem()).toBeUndefined();
    expect(cluster.writes.map(({ ref }) => ref.kind)).toEqual(['MutatingWebhookConfiguration']);
  });

  it('are read anew within 10 s of their change', async () => {
    await mount(filesOf(one));
    const { live, served } = replica();
    await live(10 * SECOND);
    const renewed = await issueLeaf(one.authority, [SERVICE_NAME], later(1));
    clock.now = later(1).getTime();
    await mount(filesOf({ ...one, leaf: renewed }));
    await live(10 * SECOND);
    expect(served.map(({ cert }) => cert)).toEqual([one.leaf.cert, renewed.cert]);
  });

  it('of another authority are served with once API servers have learnt that one', async () => {
    await mount(filesOf(one));
    const { live, pass, served } = replica();
    await live(10 * SECOND);
    await mount(filesOf(two));
    await pass();
    expect(served).toHaveLength(1);
    expect(splitBundle(bundles(cluster)[0]!)).toHaveLength(2);
    await live(10 * SECOND);
    expect(served.at(-1)!.cert).toBe(two.leaf.cert);
  });

  it('that other replicas do not see yet are no reason to take back their authority, for an hour', async () => {
    await mount(filesOf(one));
    const behind = replica();
    await behind.live(10 * SECOND);
    await mount(filesOf(two));
    const ahead = replica();
    await ahead.live(10 * SECOND);
    await mount(filesOf(one));
    const { length } = cluster.writes;
    for (let look = 0; look < 5; look += 1) {
      await behind.pass();
      clock.now += 8 * SECOND;
    }
    expect(cluster.writes).toHaveLength(length);
    await mount(filesOf(two));
    await ahead.live(10 * SECOND);
    // An hour in which nobody was awake is none.
    clock.now += HOUR;
    await ahead.pass();
    expect(splitBundle(bundles(cluster)[0]!)).toHaveLength(2);
    await ahead.live(HOUR + 2 * LOOK_MS, LOOK_MS);
    expect(bundles(cluster)[0]).toBe(two.authority.cert);
  });

  it('retire an authority for good, though a younger replica has known it less long', async () => {
    await mount(filesOf(one));
    const elder = replica();
    await elder.live(10 * SECOND);
    await mount(filesOf(two));
    await elder.live(HOUR / 2, LOOK_MS);
    const younger = replica();
    for (let passed = 0; passed < HOUR; passed += LOOK_MS) {
      clock.now += LOOK_MS;
      await younger.pass();
      await elder.pass();
    }
    expect(bundles(cluster)).toEqual([two.authority.cert, two.authority.cert]);
    const { length } = cluster.writes;
    await younger.live(HOUR / 2, LOOK_MS);
    await elder.pass();
    expect(cluster.writes).toHaveLength(length);
  });

  it('and a Secret from before agree, while replicas go over from one to the other', async () => {
    await startReplica({ cluster, clock }).live(10 * SECOND);
    cluster.put(configuration());
    await mount(filesOf(one));
    const byFiles = replica();
    await byFiles.live(10 * SECOND);
    const bySecret = startReplica({ cluster, clock });
    const both = [bySecret, byFiles];
    for (let look = 0; look < 10; look += 1) {
      clock.now += 3 * SECOND;
      for (const { pass } of both) {
        await pass();
        const [at, bundle] = [new Date(clock.now), bundles(cluster)[0]!];
        expect(isTrusted(byFiles.rotator.current()!.cert, { bundle, at })).toBe(true);
      }
    }
    expect(both.map(({ rotator }) => rotator.problem())).toEqual([undefined, undefined]);
    const { length } = cluster.writes;
    await byFiles.live(60 * SECOND);
    await bySecret.pass();
    expect(cluster.writes).toHaveLength(length);
  });

  it.each<[string, () => Record<string, string>, string]>([
    ['whose key is of another', () => ({ ...filesOf(one), 'tls.key': two.leaf.key }), 'WrongKey'],
    ['of another authority', () => ({ ...filesOf(one), 'ca.crt': two.authority.cert }), 'UnknownIssuer'],
    ['that are garbage', () => ({ 'tls.crt': 'x', 'tls.key': 'y', 'ca.crt': 'z' }), 'Unreadable'],
  ])('%s are told about, and those before go on', async (_, files, problem) => {
    await mount(filesOf(one));
    const { live, served, rotator, told } = replica();
    await live(10 * SECOND);
    await mount(files());
    await live(60 * SECOND);
    expect(served).toHaveLength(1);
    expect(rotator.problem()).toBeUndefined();
    expect(rotator.note()).toBe(`${root} is not used: ${problem}`);
    expect(told.filter(({ msg }) => msg === 'certificate files not used')).toHaveLength(1);
    await mount(filesOf(one));
    await live(10 * SECOND);
    expect(rotator.note()).toBeUndefined();
  });

  it('for another name, or not there at all, are nothing to serve with', async () => {
    const { live, rotator } = replica();
    await live(10 * SECOND);
    expect(rotator.problem()).toContain('no certificate yet');
    expect(rotator.problem()).toContain('ENOENT');
    await mount(filesOf(await issued(['kanari.default.svc'], START)));
    await live(10 * SECOND);
    expect(rotator.problem()).toBe(`no certificate yet: ${root}: WrongName`);
  });

  it('without ca.crt leave the bundle to the ca-injector', async () => {
    const { 'ca.crt': _, ...files } = filesOf(one);
    await mount(files);
    const { live, rotator } = replica();
    await live(10 * SECOND);
    expect(bundles(cluster)).toEqual(['', '']);
    expect(rotator.problem()).toBe('zz-kanari does not trust the certificate');
    cluster.put(configuration({ caBundle: Buffer.from(one.authority.cert).toString('base64') }));
    await live(20 * SECOND);
    expect(rotator.problem()).toBeUndefined();
    expect(cluster.writes).toEqual([]);
  });

  it('may carry intermediate authorities', async () => {
    await mount({ ...filesOf(one), 'tls.crt': `${one.leaf.cert}${two.authority.cert}` });
    const { live, rotator } = replica();
    await live(10 * SECOND);
    expect(rotator.problem()).toBeUndefined();
  });
});
