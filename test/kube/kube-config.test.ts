import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadCredentials } from '../../src/kube/kube-config.ts';

let folder: string;
let time: number;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kanari-'));
  time = 0;
});
afterEach(() => rm(folder, { recursive: true }));

const kubeconfig = (user: object) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'c',
        cluster: {
          server: 'https://api.example:6443/',
          'certificate-authority-data': Buffer.from('the CA').toString('base64'),
        },
      },
    ],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace: 'shop' } }],
    'current-context': 'x',
  });

const load = async (user: object) => {
  const kubeconfigPath = join(folder, 'config');
  await writeFile(kubeconfigPath, kubeconfig(user));
  return loadCredentials({ kubeconfigPath }, () => time);
};
const writeToken = (token: string) => writeFile(join(folder, 'token'), `${token}\n`);

describe('credentials of a kubeconfig', () => {
  it('name the server, the namespace, the CA and the client certificate', async () => {
    const encode = (text: string) => Buffer.from(text).toString('base64');
    const credentials = await load({
      'client-certificate-data': encode('the certificate'),
      'client-key-data': encode('the key'),
    });
    expect(credentials).toMatchObject({ server: 'https://api.example:6443', namespace: 'shop' });
    const identity = await credentials.identify();
    expect(Object.keys(identity).sort()).toEqual(['ca', 'cert', 'key']);
    expect([identity.ca, identity.cert, identity.key].map(String)).toEqual([
      'the CA',
      'the certificate',
      'the key',
    ]);
  });

  it('read a token file again after a minute', async () => {
    await writeToken('first');
    const credentials = await load({ tokenFile: join(folder, 'token') });
    const authorization = async () => (await credentials.identify()).authorization;
    expect(await authorization()).toBe('Bearer first');
    await writeToken('second');
    time = 59_000;
    expect(await authorization()).toBe('Bearer first');
    time = 60_000;
    expect(await authorization()).toBe('Bearer second');
  });

  it('read a token file at once after a refusal', async () => {
    await writeToken('first');
    const credentials = await load({ tokenFile: join(folder, 'token') });
    await credentials.identify();
    await writeToken('second');
    credentials.renew();
    const all = await Promise.all([credentials.identify(), credentials.identify()]);
    expect(all.map(({ authorization }) => authorization)).toEqual(['Bearer second', 'Bearer second']);
  });

  it('ask a plugin, and ask it again after a refusal', async () => {
    const script = `const fs = require('node:fs'), f = process.argv[1];
      const n = fs.existsSync(f) ? Number(fs.readFileSync(f)) + 1 : 1; fs.writeFileSync(f, String(n));
      const status = { token: 't' + n, expirationTimestamp: '2999-01-01T00:00:00Z' };
      console.log(JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status }));`;
    const args = ['-e', script, join(folder, 'count')];
    const credentials = await load({
      exec: { apiVersion: 'client.authentication.k8s.io/v1', command: process.execPath, args },
    });
    const authorization = async () => (await credentials.identify()).authorization;
    const first = await authorization();
    time = 120_000;
    expect(await authorization()).toBe(first);
    credentials.renew();
    expect(await authorization()).not.toBe(first);
  });

  it('that cannot be read are an error', async () => {
    await expect(loadCredentials({ kubeconfigPath: join(folder, 'none') })).rejects.toThrow();
    await writeFile(join(folder, 'empty'), '{}');
    await expect(loadCredentials({ kubeconfigPath: join(folder, 'empty') })).rejects.toThrow();
  });
});
