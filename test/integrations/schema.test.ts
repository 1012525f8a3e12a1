import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { loadIntegrations } from '../../src/integrations/file.ts';
import { parseIntegrations, QUERY_SETS } from '../../src/integrations/schema.ts';

const SERVER = { name: 'default', url: 'http://prometheus.monitoring:9090' };

const violationsOf = (content: unknown): string[] => {
  const parsed = parseIntegrations(content);
  return parsed.ok ? [] : parsed.violations;
};
const ofServer = (fields: object): string[] => violationsOf({ metricServers: [{ ...SERVER, ...fields }] });

describe('the file of integrations', () => {
  it('may say nothing', () => {
    expect(parseIntegrations(undefined)).toEqual({
      ok: true,
      integrations: {
        metricServers: [],
        querySets: [...QUERY_SETS],
        alertProviders: [],
        alerts: [],
        outbound: {},
      },
    });
  });

  it('has a default for all but the name and the address of a metrics server', () => {
    const parsed = parseIntegrations({ metricServers: [SERVER] });
    expect(parsed.ok && parsed.integrations.metricServers).toEqual([
      { ...SERVER, type: 'prometheus', headers: {}, headerFiles: {} },
    ]);
  });

  it('may give a server every kind of credential but two for one header', () => {
    const files = { caFile: '/ca', certFile: '/cert', keyFile: '/key', serverName: 'prometheus' };
    const headers = { headers: { 'X-Scope-OrgID': 'a' }, headerFiles: { 'X-Api-Key': '/key' } };
    expect(ofServer({ bearerTokenFile: '/token', tls: files, ...headers })).toEqual([]);
    expect(ofServer({ basic: { username: 'u', passwordFile: '/p' }, proxyUrl: 'http://proxy:3128' })).toEqual(
      [],
    );
  });

  test.each<[what: string, content: unknown, violations: string[]]>([
    ['a text', 'metricServers', [expect.stringMatching(/^the file: /) as string]],
    [
      'a list that is none',
      { metricServers: 'http://prometheus:9090' },
      [
        'metricServers: expected a list of metrics servers (example: [{name: default, url: http://prometheus.monitoring:9090}])',
      ],
    ],
    ['a misspelt field', { metricServer: [] }, ['metricServer: unknown field (did you mean metricServers?)']],
    [
      'the same name twice',
      { metricServers: [SERVER, SERVER] },
      [
        'metricServers: expected names that differ, got the same name twice (example: [{name: default, url: http://prometheus.monitoring:9090}])',
      ],
    ],
    [
      'a data plane that nobody knows',
      { querySets: ['istio', 'haproxy'] },
      ['querySets[1]: expected one of istio, linkerd, envoy, traefik, nginx, got "haproxy" (example: istio)'],
    ],
    [
      'no data plane',
      { querySets: [] },
      [
        'querySets: expected at least one of istio, linkerd, envoy, traefik, nginx, got [] (example: [istio])',
      ],
    ],
  ])('is refused with %s', (_, content, violations) => {
    expect(violationsOf(content)).toEqual(violations);
  });

  test.each<[what: string, fields: object, violation: string]>([
    [
      'no name',
      { name: undefined },
      'metricServers[0].name: expected a name of lower-case letters, digits and dashes, got nothing (example: default)',
    ],
    [
      'a name that policies could not say',
      { name: 'My Server' },
      'metricServers[0].name: expected a name of lower-case letters, digits and dashes, 63 at most, got "My Server" (example: default)',
    ],
    [
      'another type',
      { type: 'datadog' },
      'metricServers[0].type: expected prometheus or web, got "datadog" (example: prometheus)',
    ],
    [
      'a default server that is none of Prometheus',
      { type: 'web' },
      'metricServers[0]: expected the type prometheus of the server default, which the built-in metrics are read from, got "web" (example: {name: default, url: http://prometheus.monitoring:9090})',
    ],
    [
      'no address',
      { url: 'prometheus:9090' },
      'metricServers[0].url: expected an http or https URL (example: http://prometheus.monitoring:9090)',
    ],
    [
      'a password in the address',
      { url: 'http://kanari:s3cret@prometheus:9090' },
      'metricServers[0].url: expected an http or https URL without user and password, which belong in a file (example: http://prometheus.monitoring:9090)',
    ],
    [
      'a proxy by TLS',
      { proxyUrl: 'https://proxy:3128' },
      'metricServers[0].proxyUrl: expected an http URL (example: http://proxy.corp:3128)',
    ],
    ['a field of another level', { token: '/token' }, 'metricServers[0].token: unknown field'],
    [
      'a misspelt credential',
      { bearerTokenfile: '/token' },
      'metricServers[0].bearerTokenfile: unknown field (did you mean bearerTokenFile?)',
    ],
    [
      'two credentials for one header',
      { bearerTokenFile: '/token', basic: { username: 'u', passwordFile: '/p' } },
      'metricServers[0]: expected either bearerTokenFile or basic, got both (example: {name: default, url: http://prometheus.monitoring:9090})',
    ],
    [
      'a certificate without its key',
      { tls: { certFile: '/cert' } },
      'metricServers[0].tls: expected certFile and keyFile together (example: {certFile: /etc/kanari/tls.crt, keyFile: /etc/kanari/tls.key})',
    ],
    [
      'a header that breaks the line, whose value is not shown',
      { headers: { 'X-Key': 's3cret\r\nX-Other: 1' } },
      'metricServers[0].headers.X-Key: expected printable ASCII characters (example: team-a)',
    ],
    [
      'a header of no name',
      { headers: { 'X Key': 'v' } },
      'metricServers[0].headers.X Key: expected the name of an HTTP header, got "X Key" (example: X-Scope-OrgID)',
    ],
    [
      'an empty file name',
      { bearerTokenFile: '' },
      'metricServers[0].bearerTokenFile: expected the name of a file, got "" (example: /etc/kanari/token)',
    ],
  ])('is refused with %s', (_, fields, violation) => {
    const violations = ofServer(fields);
    expect(violations).toEqual([violation]);
    expect(violations.join()).not.toContain('s3cret');
  });
});

describe('reading it', () => {
  const loaded = async (text: string) => {
    const directory = await mkdtemp(join(tmpdir(), 'kanari-integrations-'));
    const file = join(directory, 'integrations.yaml');
    await writeFile(file, text);
    return loadIntegrations(file).finally(() => rm(directory, { recursive: true }));
  };

  it('takes YAML', async () => {
    const { metricServers } = await loaded('metricServers:\n- {name: default, url: "http://p:9090"}\n');
    expect(metricServers).toMatchObject([{ name: 'default', url: 'http://p:9090' }]);
  });

  it('takes every example of the documentation', async () => {
    const page = await readFile(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
    const examples = [...page.matchAll(/```yaml\n(.*?)```/gs)].map(([, text = '']) => text);
    expect(examples).not.toEqual([]);
    for (const example of examples) await expect(loaded(example)).resolves.toHaveProperty('metricServers');
  });

  it('names the file that is no YAML, and quotes nothing of it', async () => {
    await expect(loaded('metricServers: [s3cret\n')).rejects.toThrow(
      /integrations\.yaml is no YAML: [^\n]+$/,
    );
    await expect(loaded('metricServers: [s3cret\n')).rejects.not.toThrow(/s3cret/);
  });

  it('names the file and each place in it', async () => {
    await expect(loaded('metricServer: []\nquerySets: [haproxy]\n')).rejects.toThrow(
      /integrations\.yaml is not understood: (?=.*metricServer: unknown)(?=.*querySets\[0\]: expected)/,
    );
  });

  it('names the file that is not there', async () => {
    await expect(loadIntegrations('/no/such/file.yaml')).rejects.toThrow(/ENOENT.*\/no\/such\/file\.yaml/);
  });
});
