import { z } from 'zod';

// The operator's own file: servers that Kanari may ask for metrics, providers of alerts, and whom users' webhooks may
// reach. Credentials are never in it: it names files, which are read again when they change.

const name = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
const file = z.string().min(1);
const url = z.url({ protocol: /^https?$/ });

const metricServer = z.strictObject({
  /** By it policies name the server; `default` is asked for the built-in metrics. */
  name,
  /** Any server that speaks Prometheus' HTTP API; or one that answers a GET with JSON. */
  type: z.enum(['prometheus', 'web']).default('prometheus'),
  /** No user and no password in it. */
  url,
  bearerTokenFile: file.optional(),
  basic: z.strictObject({ username: z.string(), passwordFile: file }).optional(),
  tls: z
    .strictObject({
      caFile: file.optional(),
      certFile: file.optional(),
      keyFile: file.optional(),
      serverName: z.string().optional(),
    })
    .optional(),
  /** Sent with every request. */
  headers: z.record(z.string(), z.string()).default({}),
  /** The same, each value in a file of its own. */
  headerFiles: z.record(z.string(), file).default({}),
  /** An HTTP proxy on the way. */
  proxyUrl: url.optional(),
});

const alertProvider = z.strictObject({
  name,
  type: z.enum(['slack', 'teams', 'discord', 'googlechat', 'generic']),
  /** Where messages are posted: given here, or in a file where it is a secret. */
  url: url.optional(),
  urlFile: file.optional(),
});

const schema = z.strictObject({
  metricServers: z.array(metricServer).default([]),
  alertProviders: z.array(alertProvider).default([]),
  outbound: z
    .strictObject({
      /**
       * Hosts (`*.shop.svc`), addresses and networks (`10.0.0.0/8`) that webhooks and alerts may reach; absent: all but
       * loopback, link-local addresses and the API server, which must be named here to be reached.
       */
      allow: z.array(z.string().min(1)).optional(),
    })
    .default({}),
  /** Base address that alerts link to; `{{ namespace }}` and `{{ name }}` stand for the Deployment's. */
  linkTemplate: z.string().optional(),
});

export type Integrations = Readonly<z.output<typeof schema>>;
export type MetricServerConfig = z.output<typeof metricServer>;
export type AlertProviderConfig = z.output<typeof alertProvider>;

export type ParsedIntegrations =
  | { ok: true; integrations: Integrations }
  | { ok: false; violations: string[] };

const describeIssue = ({ path, message }: z.core.$ZodIssue): string =>
  `${path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
    .replace(/^\./, '')}: ${message}`;

/** What the file says, parsed YAML or JSON; nothing at all is no integrations. */
export const parseIntegrations = (content: unknown): ParsedIntegrations => {
  const parsed = schema.safeParse(content ?? {});
  return parsed.success
    ? { ok: true, integrations: Object.freeze(parsed.data) }
    : { ok: false, violations: parsed.error.issues.map(describeIssue) };
};

export const NO_INTEGRATIONS: Integrations = Object.freeze(schema.parse({}));
