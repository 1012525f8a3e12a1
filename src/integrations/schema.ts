import { z } from 'zod';
import { nearestName } from '../core/nearest-name.ts';
import { alertParts, alertProvider, alertRule, rulesNameProviders } from './alerts.ts';
import { file, name, namesDiffer, said, url } from './fields.ts';

// The operator's own file: servers that Kanari may ask for metrics, providers of alerts, and whom users' webhooks may
// reach. Credentials are never in it: it names files, which are read again at each use.

const HEADER = /^[-!#$%&'*+.^_`|~0-9A-Za-z]+$/;
const headerName = z.string().regex(HEADER, said('the name of an HTTP header', 'X-Scope-OrgID'));
/** Printable ASCII. Its value may be secret. */
const headerValue = z
  .string(said('a text', 'team-a', false))
  .regex(/^[\t\x20-\x7e]*$/, said('printable ASCII characters', 'team-a', false));

const tls = z
  .strictObject(
    {
      caFile: file('/etc/kanari/ca.crt').optional(),
      certFile: file('/etc/kanari/tls.crt').optional(),
      keyFile: file('/etc/kanari/tls.key').optional(),
      serverName: z.string(said('a host name', 'prometheus.monitoring')).min(1).optional(),
    },
    said('the names of files', '{caFile: /etc/kanari/ca.crt}'),
  )
  .refine(({ certFile, keyFile }) => (certFile === undefined) === (keyFile === undefined), {
    error:
      'expected certFile and keyFile together (example: {certFile: /etc/kanari/tls.crt, keyFile: /etc/kanari/tls.key})',
  });

const SERVER_EXAMPLE = '{name: default, url: http://prometheus.monitoring:9090}';

const metricServer = z
  .strictObject(
    {
      /** By it policies name the server; `default` is asked for the built-in metrics. */
      name,
      /** Any server that speaks Prometheus' HTTP API; or one that answers a GET with JSON. */
      type: z.enum(['prometheus', 'web'], said('prometheus or web', 'prometheus')).default('prometheus'),
      /** No user and no password in it. */
      url: url('an http or https URL', 'http://prometheus.monitoring:9090'),
      bearerTokenFile: file('/etc/kanari/token').optional(),
      basic: z
        .strictObject(
          {
            username: z.string(said('a user name', 'kanari')),
            passwordFile: file('/etc/kanari/password'),
          },
          said('a user name and a file', '{username: kanari, passwordFile: /etc/kanari/password}'),
        )
        .optional(),
      tls: tls.optional(),
      /** Sent with every request. */
      headers: z
        .record(headerName, headerValue, said('headers by name', '{X-Scope-OrgID: team-a}', false))
        .default({}),
      /** The same, each value in a file of its own. */
      headerFiles: z
        .record(headerName, file('/etc/kanari/key'), said('files by header', '{X-Api-Key: /etc/kanari/key}'))
        .default({}),
      /** An HTTP proxy on the way. */
      proxyUrl: url('an http URL', 'http://proxy.corp:3128', /^http$/).optional(),
    },
    said('a metrics server', SERVER_EXAMPLE, false),
  )
  .refine(({ bearerTokenFile, basic }) => bearerTokenFile === undefined || basic === undefined, {
    error: `expected either bearerTokenFile or basic, got both (example: ${SERVER_EXAMPLE})`,
  })
  .refine(({ name, type }) => name !== 'default' || type === 'prometheus', {
    error: `expected the type prometheus of the server default, which the built-in metrics are read from, got "web" (example: ${SERVER_EXAMPLE})`,
  });

/** Data planes whose metrics the built-in queries know. */
export const QUERY_SETS = ['istio', 'linkerd', 'envoy', 'traefik', 'nginx'] as const;
export type QuerySetName = (typeof QUERY_SETS)[number];

const schema = z
  .strictObject({
    metricServers: z
      .array(metricServer, said('a list of metrics servers', `[${SERVER_EXAMPLE}]`, false))
      .refine(namesDiffer, {
        error: `expected names that differ, got the same name twice (example: [${SERVER_EXAMPLE}])`,
      })
      .default([]),
    /** Data planes that the built-in queries ask about; all of them unless given. */
    querySets: z
      .array(z.enum(QUERY_SETS, said(`one of ${QUERY_SETS.join(', ')}`, 'istio')), said('a list', '[istio]'))
      .min(1, said(`at least one of ${QUERY_SETS.join(', ')}`, '[istio]'))
      .default([...QUERY_SETS]),
    ...alertParts,
  })
  .superRefine(rulesNameProviders);

export type Integrations = Readonly<z.output<typeof schema>>;
export type MetricServerConfig = z.output<typeof metricServer>;
export type AlertProviderConfig = z.output<typeof alertProvider>;

export type ParsedIntegrations =
  | { ok: true; integrations: Integrations }
  | { ok: false; violations: string[] };

const FIELDS = [
  ...Object.keys(schema.shape),
  ...Object.keys(metricServer.shape),
  ...Object.keys(alertProvider.shape),
  ...Object.keys(alertRule.shape),
  ...['caFile', 'certFile', 'keyFile', 'serverName', 'username', 'passwordFile', 'allow'],
];

const placeOf = (path: readonly PropertyKey[]): string =>
  path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
    .replace(/^\./, '');

const describeIssue = (issue: z.core.$ZodIssue): string[] => {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const nearest = nearestName(key, FIELDS);
      const hint = nearest === undefined ? '' : ` (did you mean ${nearest}?)`;
      return `${placeOf([...issue.path, key])}: unknown field${hint}`;
    });
  }
  // A bad key of a record has its own issues inside.
  const messages =
    issue.code === 'invalid_key' ? issue.issues.map(({ message }) => message) : [issue.message];
  return messages.map((message) => `${placeOf(issue.path) || 'the file'}: ${message}`);
};

/** What the file says, parsed YAML or JSON; nothing at all is no integrations. */
export const parseIntegrations = (content: unknown): ParsedIntegrations => {
  const parsed = schema.safeParse(content ?? {});
  return parsed.success
    ? { ok: true, integrations: Object.freeze(parsed.data) }
    : { ok: false, violations: parsed.error.issues.flatMap(describeIssue) };
};

export const NO_INTEGRATIONS: Integrations = Object.freeze(schema.parse({}));
