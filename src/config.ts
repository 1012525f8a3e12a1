import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { parseDuration } from './core/duration.ts';
import { nearestName } from './core/nearest-name.ts';

const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

const httpUrl = (protocol: RegExp) => z.url({ protocol }).transform((url) => url.replace(/\/+$/, ''));
const port = z
  .string()
  .regex(/^\d{1,5}$/)
  .transform(Number)
  .pipe(z.number().max(65_535));
const duration = (leastMs: number) => z.string().transform(parseDuration).pipe(z.number().min(leastMs));

const schema = z.object({
  /** Undefined: the Pod's own service account. */
  kubeconfig: z.string().min(1).optional(),
  /** Undefined: the API server reaches the webhook through its Service. No trailing slash. */
  webhookUrl: httpUrl(/^https$/).optional(),
  webhookPort: port,
  /** Directory of `tls.crt`, `tls.key` and `ca.crt`; undefined: Kanari issues its certificates itself. */
  certDir: z.string().min(1).optional(),
  /** Undefined: Kubernetes' own signals decide. No trailing slash. */
  prometheusUrl: httpUrl(/^https?$/).optional(),
  /** YAML of metrics servers, alert providers and outbound limits (integrations/schema.ts); undefined: none. */
  integrationsFile: z.string().min(1).optional(),
  /** 0: metrics are not served on a port of their own. */
  metricsPort: port,
  namespace: z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/),
  logLevel: z.enum(LOG_LEVELS),
  propagationWaitMs: duration(0),
  lookIntervalMs: duration(500),
  shutdownDelayMs: duration(0),
  identity: z.string().min(1).max(253),
});

/** Everything the process can be told from outside; frozen. */
export type Config = Readonly<z.output<typeof schema>>;

export type ParsedConfig =
  | { ok: true; config: Config }
  | { ok: false; violations: string[] }
  | { ok: 'help'; help: string };

interface Option {
  flag: string;
  placeholder: string;
  expected: string;
  example: string;
  explanation: string;
  fallback?: string;
}

const OPTIONS: Readonly<Record<keyof Config, Option>> = {
  kubeconfig: {
    flag: 'kubeconfig',
    placeholder: 'FILE',
    expected: 'a file name',
    example: '~/.kube/config',
    explanation: 'credentials for the cluster; without it, those of the Pod',
  },
  webhookUrl: {
    flag: 'webhook-url',
    placeholder: 'URL',
    expected: 'an https URL',
    example: 'https://127.0.0.1:8443',
    explanation: 'where the API server finds the webhook when Kanari runs outside the cluster',
  },
  webhookPort: {
    flag: 'webhook-port',
    placeholder: 'PORT',
    expected: 'a port, 0–65535',
    example: '8443',
    explanation: 'port the webhook listens on, TLS',
    fallback: '8443',
  },
  certDir: {
    flag: 'cert-dir',
    placeholder: 'DIR',
    expected: 'a directory name',
    example: '/etc/kanari/tls',
    explanation:
      "directory of tls.crt, tls.key and ca.crt that somebody else renews, as cert-manager does; without it, Kanari's own",
  },
  prometheusUrl: {
    flag: 'prometheus-url',
    placeholder: 'URL',
    expected: 'an http or https URL',
    example: 'http://prometheus.istio-system:9090',
    explanation: 'metrics server that canaries are judged by; without it, readiness alone decides',
  },
  integrationsFile: {
    flag: 'integrations',
    placeholder: 'FILE',
    expected: 'a file name',
    example: '/etc/kanari/integrations.yaml',
    explanation: 'YAML that names metrics servers, alert providers and what webhooks may reach',
  },
  metricsPort: {
    flag: 'metrics-port',
    placeholder: 'PORT',
    expected: 'a port, 0–65535',
    example: '9090',
    explanation: 'port of /metrics, /healthz and /readyz without TLS; 0 turns it off',
    fallback: '9090',
  },
  namespace: {
    flag: 'namespace',
    placeholder: 'NAME',
    expected: 'a namespace name',
    example: 'kanari-system',
    explanation: "namespace of Kanari's own Secret and Lease",
    fallback: 'kanari-system',
  },
  logLevel: {
    flag: 'log-level',
    placeholder: 'LEVEL',
    expected: `one of ${LOG_LEVELS.join(', ')}`,
    example: 'info',
    explanation: `least severe messages to log: ${LOG_LEVELS.join(', ')}`,
    fallback: 'info',
  },
  propagationWaitMs: {
    flag: 'propagation-wait',
    placeholder: 'DURATION',
    expected: 'a duration',
    example: '10s',
    explanation: 'what proxies need to learn a change of routes; 2s is enough for small meshes',
    fallback: '10s',
  },
  lookIntervalMs: {
    flag: 'look-interval',
    placeholder: 'DURATION',
    expected: 'a duration of 500ms or more',
    example: '2s',
    explanation: 'time between two looks at the metrics server while canaries run',
    fallback: '2s',
  },
  shutdownDelayMs: {
    flag: 'shutdown-delay',
    placeholder: 'DURATION',
    expected: 'a duration',
    example: '5s',
    explanation: 'time to go on serving after readiness is gone, until nobody sends requests any more',
    fallback: '5s',
  },
  identity: {
    flag: 'identity',
    placeholder: 'NAME',
    expected: 'a name of 1–253 characters',
    example: 'kanari-0',
    explanation: 'name of this process in the Lease; host name and random digits if not given',
  },
};

const options = Object.entries(OPTIONS) as [keyof Config, Option][];

const variableOf = ({ flag }: Option): string => `KANARI_${flag.toUpperCase().replaceAll('-', '_')}`;

const describeOption = (option: Option): string => {
  const fallback = option.fallback === undefined ? '' : ` (default ${option.fallback})`;
  return `  --${option.flag} ${option.placeholder}\n      ${option.explanation}${fallback} [${variableOf(option)}]`;
};

const help = (): string =>
  [
    'Usage: node dist/main.js [flags]',
    '',
    'Turns every Deployment update in namespaces labelled kanari.dev/rollouts=enabled into a canary.',
    'Each flag can be given as the variable in brackets instead; the flag wins.',
    '',
    ...options.map(([, option]) => describeOption(option)),
    '  --help\n      print this text',
    '',
  ].join('\n');

/** Values by flag name, and a violation for everything that is no flag or lacks its value. */
const readFlags = (argv: readonly string[]) => {
  const { values, tokens } = parseArgs({
    args: [...argv],
    options: {
      ...Object.fromEntries(options.map(([, { flag }]) => [flag, { type: 'string' as const }])),
      help: { type: 'boolean' as const },
    },
    // Not strict: its errors end at the first and know no nearest name.
    strict: false,
    tokens: true,
  });
  const names = ['help', ...options.map(([, { flag }]) => flag)];
  const violations = tokens.flatMap((token) => {
    if (token.kind === 'positional') return [`unexpected argument ${JSON.stringify(token.value)}`];
    if (token.kind !== 'option') return [];
    if (names.includes(token.name)) {
      return token.name !== 'help' && token.value === undefined ? [`--${token.name}: value is missing`] : [];
    }
    const nearest = nearestName(token.name, names);
    return [`unknown flag ${token.rawName}${nearest === undefined ? '' : ` (did you mean --${nearest}?)`}`];
  });
  return { values, violations };
};

const describeIssue = (issue: z.core.$ZodIssue, given: Record<string, unknown>): string => {
  const key = String(issue.path[0]);
  const option = OPTIONS[key as keyof Config];
  const value = JSON.stringify(given[key]);
  return `--${option.flag} (${variableOf(option)}): expected ${option.expected}, got ${value} (example: ${option.example})`;
};

/**
 * Flags, then `KANARI_…` variables, then defaults. An empty variable counts as not set, as in a manifest that leaves
 * a value out. `identity` is the name used when none is given.
 */
export const parseConfig = (
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  identity = `${hostname()}-${randomBytes(4).toString('hex')}`,
): ParsedConfig => {
  const { values, violations } = readFlags(argv);
  if (values['help'] === true) return { ok: 'help', help: help() };

  const given: Record<string, unknown> = {};
  for (const [key, option] of options) {
    const variable = environment[variableOf(option)];
    const fallback = key === 'identity' ? identity : option.fallback;
    given[key] = values[option.flag] ?? (variable === '' ? undefined : variable) ?? fallback;
  }
  if (violations.length > 0) return { ok: false, violations };
  const parsed = schema.safeParse(given);
  if (parsed.success) return { ok: true, config: Object.freeze(parsed.data) };
  return { ok: false, violations: parsed.error.issues.map((issue) => describeIssue(issue, given)) };
};
