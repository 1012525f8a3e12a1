import { X509Certificate } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Kanari, startKanari } from '../../lab/kanari.ts';
import { FIRST_START_MS, type Lab, startLab } from '../../lab/lab.ts';
import { type Replicas, startReplicas } from '../../lab/replicas.ts';
import { createAuthority, issueLeaf } from '../../src/certs/authority.ts';
import { SECRET_NAME } from '../../src/certs/keyring-secret.ts';
import { createRegistrar } from '../../src/certs/registrar.ts';
import { isIssued, splitBundle } from '../../src/certs/validity.ts';
import type { KubeObject } from '../../src/core/objects.ts';
import { loadCredentials } from '../../src/kube/kube-config.ts';
import { createReader } from '../../src/kube/reader.ts';
import { createRest } from '../../src/kube/rest.ts';
import { createWriter } from '../../src/kube/writer.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { type AdmissionLoad, startAdmissionLoad, untilChangesAreHeld } from './admission-load.ts';
import { eventually, openShop, type Shop, web } from './shop.ts';

// Two replicas behind one address, under a steady load of changes that the API server refuses when it can't ask: no
// call may fail while certificates are rotated or replicas restarted.

const DAY_MS = 24 * 3_600_000;
const SECRET_PATH = `/api/v1/namespaces/kanari-system/secrets/${SECRET_NAME}`;

let lab: Lab;
let replicas: Replicas;
let shop: Shop;
let load: AdmissionLoad;

beforeAll(async () => {
  lab = await startLab();
  replicas = await startReplicas(lab, 2, { propagationWait: '1s' });
  shop = await openShop(lab, 'shop');
  await shop.opens(web('v1', { replicas: 1 }));
  await untilChangesAreHeld(lab, shop.namespace);
}, FIRST_START_MS);
afterAll(() => lab?.stop());

const underLoad = (): void => {
  beforeEach(() => {
    load = startAdmissionLoad(lab, shop.namespace);
  });
  afterEach(() => load.stop());
};

interface Secret extends KubeObject {
  data: Record<string, string>;
}

const decode = (text: string | undefined): string => Buffer.from(text ?? '', 'base64').toString();
const encode = (text: string): string => Buffer.from(text).toString('base64');

const keyring = async () => {
  const { data } = await lab.api.request<Secret>('GET', SECRET_PATH);
  const bundle = decode(data['ca.crt']);
  const authority = { cert: splitBundle(bundle)[0] ?? '', key: decode(data['ca.key']) };
  return { bundle, authority, leaf: decode(data['tls.crt']) };
};

const servedBy = ({ webhookPort }: Kanari): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port: webhookPort, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(new X509Certificate(socket.getPeerCertificate().raw).toString());
      socket.destroy();
    });
    socket.once('error', reject);
  });

const names = ['kanari.kanari-system.svc', '127.0.0.1'];
const daysAgo = (days: number): Date => new Date(Date.now() - days * DAY_MS);
const replaceData = (data: Record<string, string>) =>
  lab.api.request('PATCH', SECRET_PATH, {
    data: Object.fromEntries(Object.entries(data).map(([name, text]) => [name, encode(text)])),
  });

/** Waits until both replicas serve one leaf that was not there before, by the authority that issues now. */
const bothServeAnew = (before: readonly string[]): Promise<void> =>
  eventually(async () => {
    const { authority } = await keyring();
    const [one = '', other] = await Promise.all(replicas.replicas.map(servedBy));
    expect(one).toBe(other);
    expect(before).not.toContain(one);
    expect(isIssued(one, authority.cert)).toBe(true);
  });

const expectNoFailure = (): void => {
  expect(load.failures().slice(0, 5)).toEqual([]);
  expect(load.calls()).toBeGreaterThan(50);
};

describe('certificates rotated under load', () => {
  underLoad();

  it('fail no call when the leaf comes to its end, again and again', async () => {
    for (let round = 0; round < 2; round += 1) {
      const { authority } = await keyring();
      const before = await Promise.all(replicas.replicas.map(servedBy));
      const old = await issueLeaf(authority, names, daysAgo(25));
      await replaceData({ 'tls.crt': old.cert, 'tls.key': old.key });
      await bothServeAnew([...before, old.cert]);
    }
    expectNoFailure();
  });

  it('fail no call when the authority comes to its end', async () => {
    const { bundle } = await keyring();
    const before = await Promise.all(replicas.replicas.map(servedBy));
    const authority = await createAuthority(daysAgo(2_600));
    const leaf = await issueLeaf(authority, names, daysAgo(1));
    await replaceData({
      'ca.crt': `${authority.cert}${bundle}`,
      'ca.key': authority.key,
      'tls.crt': leaf.cert,
      'tls.key': leaf.key,
    });
    await bothServeAnew([...before, leaf.cert]);
    expect((await keyring()).authority.cert).not.toBe(authority.cert);
    expectNoFailure();
  });

  it('fail no call when the Secret is deleted, or overwritten with garbage', async () => {
    const forgeries = [
      () => lab.api.request('DELETE', SECRET_PATH),
      () => replaceData({ 'ca.crt': 'x', 'ca.key': 'y', 'tls.crt': 'z' }),
    ];
    for (const damage of forgeries) {
      const before = await Promise.all(replicas.replicas.map(servedBy));
      await damage();
      await bothServeAnew(before);
    }
    expectNoFailure();
  });
});

describe('replicas that go and come under load', () => {
  underLoad();
  const served = () => replicas.balancer.connections();

  it('fail no call when they are restarted in turn', async () => {
    for (const replica of replicas.replicas) {
      await replica.stop();
      await replica.start();
    }
    expect([...served().keys()].sort()).toEqual(replicas.replicas.map((one) => one.webhookPort).sort());
    expectNoFailure();
  });

  it('fail at most the calls under way when one is killed', async () => {
    const [victim] = replicas.replicas;
    const killedAt = Date.now();
    await victim?.kill();
    await eventually(() => expect(Date.now() - killedAt).toBeGreaterThan(5_000));
    const failures = load.failures();
    await victim?.start();
    expect(failures.filter(({ at }) => at > killedAt + 2_000)).toEqual([]);
  });
});

interface ClientConfig {
  url?: string;
  service?: object;
  caBundle?: string;
}

describe('the webhook configuration', () => {
  const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/zz-kanari';
  const clientConfigs = async (): Promise<ClientConfig[]> => {
    const { webhooks } = await lab.api.request<KubeObject & { webhooks: { clientConfig: ClientConfig }[] }>(
      'GET',
      path,
    );
    return webhooks.map(({ clientConfig }) => clientConfig);
  };
  const patch = (operations: object[]) =>
    lab.api.request('PATCH', path, operations, 'application/json-patch+json');

  it('that somebody else changed is put right', async () => {
    const before = await clientConfigs();
    const { cert } = await createAuthority(new Date());
    await patch([{ op: 'replace', path: '/webhooks/0/clientConfig/caBundle', value: encode(cert) }]);
    await eventually(async () => expect(await clientConfigs()).toEqual(before));
  });

  it('has the Service again once Kanari is not given a URL any more', async () => {
    for (const replica of replicas.replicas) await replica.stop();
    const credentials = await loadCredentials({ kubeconfigPath: lab.kanariKubeconfig });
    const rest = createRest({ credentials, userAgent: 'kanari' });
    const registrar = createRegistrar({
      reader: createReader(rest),
      writer: createWriter(rest),
      log: createLog('silent'),
      now: Date.now,
      address: { namespace: 'kanari-system', webhookUrl: undefined },
    });
    const signal = AbortSignal.timeout(30_000);
    await registrar.register(await registrar.read(signal), signal);
    rest.close();
    const service = { namespace: 'kanari-system', name: 'kanari', port: 443 };
    expect((await clientConfigs()).map(({ url, service: found }) => [url, found])).toEqual([
      [undefined, { ...service, path: '/mutate' }],
      [undefined, { ...service, path: '/mutate-routes' }],
    ]);
  });
});

describe('certificates of others', () => {
  underLoad();

  it('are served with from --cert-dir, and swapped when they are renewed', async () => {
    const certDir = join(lab.dir, 'tls');
    await mkdir(certDir);
    const authority = await createAuthority(new Date());
    const write = async (): Promise<string> => {
      const leaf = await issueLeaf(authority, names, new Date());
      const files = { 'ca.crt': authority.cert, 'tls.crt': leaf.cert, 'tls.key': leaf.key };
      for (const [name, text] of Object.entries(files)) await writeFile(join(certDir, name), text);
      return leaf.cert;
    };
    const first = await write();
    const kanari = await startKanari(lab, { certDir });
    expect(await servedBy(kanari)).toBe(first);
    await load.stop();
    await untilChangesAreHeld(lab, shop.namespace);
    load = startAdmissionLoad(lab, shop.namespace);
    const second = await write();
    await eventually(async () => expect(await servedBy(kanari)).toBe(second));
    expectNoFailure();
  });
});
