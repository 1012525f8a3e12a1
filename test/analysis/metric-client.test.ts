import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import * as http from 'node:http';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it, test } from 'vitest';
import { createMetricClient } from '../../src/analysis/metric-client.ts';
import { createAuthority, issueLeaf, type KeyPair } from '../../src/certs/authority.ts';
import type { MetricServerConfig } from '../../src/integrations/schema.ts';
import { eventually, PATIENCE } from '../eventually.ts';
import { listen, NO_SERIES, type Script, serverAt, startScripted, stopServer } from './scripted-server.ts';

const NOTHING = { ok: true, series: [] };
const never = new AbortController().signal;

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(cleanups.splice(0).map((clean) => clean()));
});

let dir: string;
let authority: KeyPair;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kanari-client-'));
  authority = await createAuthority(new Date());
});
afterAll(() => rm(dir, { recursive: true }));

const file = async (name: string, content: string): Promise<string> => {
  const path = join(dir, name);
  await writeFile(path, content);
  return path;
};

const answerNothing: Script = (_, response) => {
  response.end(NO_SERIES);
};

const serve = async (script: Script = answerNothing, ...tls: [] | [Parameters<typeof startScripted>[1]]) => {
  const server = await startScripted(script, ...tls);
  cleanups.push(() => server.stop());
  return server;
};

const clientFor = (config: MetricServerConfig, timeoutMs = PATIENCE.timeout) => {
  const logged: string[] = [];
  const log = { warn: (fields: object, message: string) => logged.push(JSON.stringify([fields, message])) };
  const outcomes: string[] = [];
  const client = createMetricClient(config, { timeoutMs, log, onQuery: (outcome) => outcomes.push(outcome) });
  return { client, logged, outcomes };
};

const queried = (config: MetricServerConfig) => clientFor(config).client.query('up', never);

describe('what a metrics server is shown', () => {
  const credentials: [what: string, fields: () => Promise<Partial<MetricServerConfig>>, headers: object][] = [
    [
      'a bearer token from a file, without the line end',
      async () => ({ bearerTokenFile: await file('token', 's3cret\n') }),
      { authorization: 'Bearer s3cret' },
    ],
    [
      'a user, and a password from a file',
      async () => ({ basic: { username: 'kanari', passwordFile: await file('password', 's3:cret') } }),
      { authorization: `Basic ${Buffer.from('kanari:s3:cret').toString('base64')}` },
    ],
    [
      'headers, from the configuration and from files',
      async () => ({
        headers: { 'X-Scope-OrgID': 'team-a' },
        headerFiles: { 'X-Api-Key': await file('api-key', 'k3y') },
      }),
      { 'x-scope-orgid': 'team-a', 'x-api-key': 'k3y' },
    ],
    ['that no compression is wanted', async () => ({}), { 'accept-encoding': 'identity' }],
  ];

  test.each(credentials)('is %s', async (_, fields, headers) => {
    const { port, asked } = await serve();
    expect(await queried(serverAt(`http://127.0.0.1:${port}/prom/`, await fields()))).toEqual(NOTHING);
    expect(asked).toMatchObject([{ method: 'POST', url: '/prom/api/v1/query', query: 'up', headers }]);
  });

  it.each([
    ['kanari:s3cret', 'kanari:s3cret'],
    ['kanari:s3%40cret', 'kanari:s3@cret'],
    ['kanari:100%', 'kanari:100%'],
  ])('is the user and password of the address %s', async (given, sent) => {
    const { port, asked } = await serve();
    await queried(serverAt(`http://${given}@127.0.0.1:${port}`));
    expect(asked[0]?.headers.authorization).toBe(`Basic ${Buffer.from(sent).toString('base64')}`);
  });

  it('is a token as its file has it at that moment', async () => {
    const { port, asked } = await serve();
    const path = await file('rotating', 'first');
    const { client } = clientFor(serverAt(`http://127.0.0.1:${port}`, { bearerTokenFile: path }));
    await client.query('up', never);
    await writeFile(path, 'second');
    await client.query('up', never);
    expect(asked.map(({ headers }) => headers.authorization)).toEqual(['Bearer first', 'Bearer second']);
  });

  const unusable: [what: string, fields: () => Promise<Partial<MetricServerConfig>>, message: RegExp][] = [
    [
      'that is missing',
      () => Promise.resolve({ bearerTokenFile: '/no/such/token' }),
      /^the metrics server is not asked: bearerTokenFile \/no\/such\/token can not be read \(ENOENT\)$/,
    ],
    [
      'that is a directory',
      () => Promise.resolve({ headerFiles: { 'X-Api-Key': dir } }),
      /headerFiles\.X-Api-Key .* can not be read \(EISDIR\)$/,
    ],
    [
      'that is empty',
      async () => ({ basic: { username: 'u', passwordFile: await file('empty', '\n') } }),
      /basic\.passwordFile .* is empty$/,
    ],
    [
      'that would break the header',
      async () => ({ bearerTokenFile: await file('two-lines', 's3cret\ns3cret') }),
      /bearerTokenFile .* holds characters that no header may have$/,
    ],
    [
      'that is no certificate',
      async () => ({ tls: { caFile: await file('no-ca', 's3cret') } }),
      /^the metrics server is not asked: tls: .* are no certificates that fit together \(ERR_\w+\)$/,
    ],
    [
      'that is the key of another certificate',
      async () => {
        const { cert } = await issueLeaf(authority, ['a'], new Date());
        return {
          tls: { certFile: await file('cert', cert), keyFile: await file('other-key', authority.key) },
        };
      },
      /are no certificates that fit together/,
    ],
  ];

  test.each(unusable)('is nothing at all with a file %s, and that is said', async (_, fields, message) => {
    const { port, asked } = await serve();
    const { client, logged, outcomes } = clientFor(serverAt(`http://127.0.0.1:${port}`, await fields()));
    const answer = await client.query('up', never);
    expect(answer).toMatchObject({ ok: false, reason: 'MetricsCredentialsMissing' });
    expect(answer).toHaveProperty('message', expect.stringMatching(message));
    expect(JSON.stringify([answer, logged])).not.toContain('s3cret');
    expect([asked, outcomes]).toEqual([[], ['failed']]);
  });

  it('is asked again once the file is there', async () => {
    const { port } = await serve();
    const path = join(dir, 'late');
    const { client } = clientFor(serverAt(`http://127.0.0.1:${port}`, { bearerTokenFile: path }));
    expect(await client.query('up', never)).toMatchObject({ reason: 'MetricsCredentialsMissing' });
    await writeFile(path, 'here');
    expect(await client.query('up', never)).toEqual(NOTHING);
  });
});

describe('a metrics server by TLS', () => {
  it('is believed by the authority of the file, and shown the certificate', async () => {
    const [own, shown] = await Promise.all(
      [['localhost'], ['kanari']].map((names) => issueLeaf(authority, names, new Date())),
    );
    let seen: string | undefined;
    const options = { ...own, requestCert: true, rejectUnauthorized: false };
    const { port, server } = await serve(answerNothing, options);
    server.on('secureConnection', (socket: TLSSocket) => {
      seen = socket.getPeerX509Certificate()?.toString();
    });
    const tls = {
      caFile: await file('ca.crt', authority.cert),
      certFile: await file('tls.crt', shown?.cert ?? ''),
      keyFile: await file('tls.key', shown?.key ?? ''),
    };
    expect(await queried(serverAt(`https://localhost:${port}`, { tls }))).toEqual(NOTHING);
    expect(seen).toBe(shown?.cert);
  });

  it('may be known by another name than its address', async () => {
    const { port } = await serve(answerNothing, await issueLeaf(authority, ['prometheus'], new Date()));
    const caFile = await file('ca.crt', authority.cert);
    const at = `https://127.0.0.1:${port}`;
    expect(await queried(serverAt(at, { tls: { caFile, serverName: 'prometheus' } }))).toEqual(NOTHING);
    expect(await queried(serverAt(at, { tls: { caFile } }))).toMatchObject({
      reason: 'MetricsServerUnreachable',
      message: 'the metrics server gives no answer: ERR_TLS_CERT_ALTNAME_INVALID',
    });
  });

  it('is not believed without the authority, nor asked anything', async () => {
    const pair = await issueLeaf(authority, ['localhost'], new Date());
    const { port, asked } = await serve(answerNothing, pair);
    expect(await queried(serverAt(`https://localhost:${port}`))).toMatchObject({
      reason: 'MetricsServerUnreachable',
      message: expect.stringContaining('UNABLE_TO_VERIFY_LEAF_SIGNATURE') as string,
    });
    expect(asked).toEqual([]);
  });
});

/** An HTTP proxy that tells what it was asked to do. */
const startProxy = async (refusal?: number) => {
  const asked: string[] = [];
  const proxy = http.createServer((request, response) => {
    asked.push(`${request.method ?? ''} ${request.url ?? ''} ${request.headers.host ?? ''}`);
    if (refusal !== undefined) return response.writeHead(refusal).end();
    const onward = http.request(request.url ?? '', { method: 'POST', headers: request.headers }, (answer) =>
      answer.pipe(response),
    );
    return request.pipe(onward);
  });
  proxy.on('connect', (request, socket: net.Socket) => {
    asked.push(`CONNECT ${request.url ?? ''}`);
    if (refusal !== undefined) return socket.end(`HTTP/1.1 ${refusal} No\r\n\r\n`);
    const onward = net.connect(Number(request.url?.split(':')[1]), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    socket.on('error', () => undefined).on('close', () => onward.destroy());
    return onward.on('error', () => undefined).on('close', () => socket.destroy());
  });
  const sockets = new Set<net.Socket>();
  proxy.on('connection', (socket) => sockets.add(socket));
  const port = await listen(proxy);
  cleanups.push(() => {
    // The server lets go of tunnels, and waits for them all the same.
    for (const socket of sockets) socket.destroy();
    return stopServer(proxy);
  });
  const open = (): number => [...sockets].filter(({ destroyed }) => !destroyed).length;
  return { asked, open, proxyUrl: `http://127.0.0.1:${port}` };
};

describe('a metrics server behind a proxy', () => {
  const secureServer = async () => {
    const server = await serve(answerNothing, await issueLeaf(authority, ['localhost'], new Date()));
    return { ...server, tls: { caFile: await file('ca.crt', authority.cert) } };
  };

  it('is asked through it', async () => {
    const { port, asked } = await serve();
    const proxy = await startProxy();
    const { proxyUrl } = proxy;
    expect(await queried(serverAt(`http://127.0.0.1:${port}`, { proxyUrl }))).toEqual(NOTHING);
    expect(proxy.asked).toEqual([`POST http://127.0.0.1:${port}/api/v1/query 127.0.0.1:${port}`]);
    expect(asked).toHaveLength(1);
  });

  it('is asked through a tunnel by TLS, one for many queries', async () => {
    const { port, asked, tls } = await secureServer();
    const { asked: tunnels, proxyUrl } = await startProxy();
    const { client } = clientFor(serverAt(`https://localhost:${port}`, { tls, proxyUrl }));
    expect([await client.query('up', never), await client.query('up', never)]).toEqual([NOTHING, NOTHING]);
    expect(tunnels).toEqual([`CONNECT localhost:${port}`]);
    expect(asked).toHaveLength(2);
  });

  it('may have an IPv6 address', async () => {
    const { asked, proxyUrl } = await startProxy(403);
    await queried(serverAt('https://[::1]:9090', { proxyUrl }));
    expect(asked).toEqual(['CONNECT [::1]:9090']);
  });

  it('is not believed with a wrong name, in a tunnel either', async () => {
    const { port, tls } = await secureServer();
    const { proxyUrl, open } = await startProxy();
    expect(await queried(serverAt(`https://127.0.0.1:${port}`, { tls, proxyUrl }))).toMatchObject({
      reason: 'MetricsServerUnreachable',
      message: expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID') as string,
    });
    await eventually(() => expect(open()).toBe(0));
  });

  it('is not reached where the proxy refuses, and its word is said', async () => {
    const { port, tls } = await secureServer();
    const { proxyUrl } = await startProxy(403);
    expect(await queried(serverAt(`https://localhost:${port}`, { tls, proxyUrl }))).toMatchObject({
      reason: 'MetricsServerUnreachable',
      message: 'the metrics server gives no answer: the proxy answered HTTP 403 to CONNECT',
    });
    expect(await queried(serverAt(`http://localhost:${port}`, { proxyUrl }))).toMatchObject({
      reason: 'MetricsServerError',
      message: 'the metrics server answered HTTP 403',
    });
  });

  const startSilentProxy = async () => {
    const silent = net.createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const sockets = new Set<net.Socket>();
    silent.on('connection', (socket) => sockets.add(socket));
    cleanups.push(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => silent.close(resolve));
    });
    return `http://127.0.0.1:${(silent.address() as net.AddressInfo).port}`;
  };

  it('is not waited for beyond the deadline where the proxy says nothing', async () => {
    const proxyUrl = await startSilentProxy();
    const { client } = clientFor(serverAt('https://localhost:1', { proxyUrl }), 100);
    expect(await client.query('up', never)).toMatchObject({
      message: 'the metrics server gives no answer: no answer in time',
    });
  });

  it('is given up with its caller, where the proxy says nothing either', async () => {
    const proxyUrl = await startSilentProxy();
    const { client } = clientFor(serverAt('https://localhost:1', { proxyUrl }), 600_000);
    const stop = new AbortController();
    const answer = client.query('up', stop.signal);
    setTimeout(() => stop.abort(), 50);
    expect(await answer).toMatchObject({ reason: 'MetricsServerUnreachable' });
  });
});

describe('a GET from a web server', () => {
  const webAt = (port: number, path = '/api/') =>
    clientFor(serverAt(`http://127.0.0.1:${port}${path}`, { name: 'shop', type: 'web' })).client;

  it('goes below the address', async () => {
    const { port, asked } = await serve();
    const outcome = await webAt(port).get('/orders?of=web%26all', never);
    expect(outcome).toEqual({ kind: 'answer', status: 200, body: NO_SERIES });
    expect(asked).toMatchObject([{ method: 'GET', url: '/api/orders?of=web%26all' }]);
  });

  it.each([
    'orders',
    '',
    '@127.0.0.1:1/',
    'http://127.0.0.1:1/',
    '/../admin',
    '/%2e%2e/admin',
    '/a/..\\../b',
  ])('goes nowhere with %j', async (path) => {
    const { port, asked } = await serve();
    expect(await webAt(port).get(path, never)).toMatchObject({ kind: 'unusable' });
    expect(asked).toEqual([]);
  });

  it('stays with its host whatever the path says', async () => {
    const { port, asked } = await serve();
    await webAt(port, '/').get('//127.0.0.1:1/orders', never);
    expect(asked).toMatchObject([{ url: '//127.0.0.1:1/orders' }]);
  });

  it('takes 1 MiB, and no more', async () => {
    const { port } = await serve((_, response) => {
      response.end(Buffer.alloc(1024 * 1024 + 1, 32));
    });
    expect(await webAt(port).get('/', never)).toEqual({
      kind: 'unusable',
      message: 'the answer is larger than 1048576 bytes',
    });
  });
});

it('takes no body for whole that the deadline has cut', async () => {
  const { port } = await serve((_, response) => {
    // Without a length, the end of the connection ends it.
    response.useChunkedEncodingByDefault = false;
    response.writeHead(200, { connection: 'close' });
    response.write('12');
  });
  const { client } = clientFor(serverAt(`http://127.0.0.1:${port}`), 200);
  expect(await client.get('/orders', never)).toEqual({ kind: 'unreachable', message: 'no answer in time' });
});
