import { z } from 'zod';
import { SEVERITIES } from '../core/alert.ts';
import { ALLOW_EXAMPLE, parseAllowEntry } from '../core/allow-entry.ts';
import { file, name, namesDiffer, said } from './fields.ts';

// Of the operator's file: whom runs are told to, and whom Kanari may call for users.

const TYPES = ['slack', 'teams', 'discord', 'googlechat', 'generic'] as const;
const PROVIDER_EXAMPLE = '{name: chat, type: slack, urlFile: /etc/kanari/slack-url}';

/** The secret of most providers is their address: it is never shown. */
const webhookUrl = z.url({
  protocol: /^https?$/,
  ...said('an http or https URL', 'https://hooks.slack.com/services/…', false),
});

export const alertProvider = z.strictObject(
  {
    /** By it policies name the provider. */
    name,
    type: z.enum(TYPES, said(`one of ${TYPES.join(', ')}`, 'slack')),
    /** Where messages are posted: given here, or in a file where it is a secret. */
    url: webhookUrl.optional(),
    urlFile: file('/etc/kanari/slack-url').optional(),
  },
  said('an alert provider', PROVIDER_EXAMPLE, false),
);

const hasOneAddress = ({ url, urlFile }: z.output<typeof alertProvider>): boolean =>
  (url === undefined) !== (urlFile === undefined);

export const alertRule = z.strictObject(
  {
    provider: name,
    /** The least severe that it is told of. */
    severity: z.enum(SEVERITIES, said(`one of ${SEVERITIES.join(', ')}`, 'warn')).default('info'),
  },
  said('a provider and a severity', '{provider: chat, severity: warn}'),
);

const allowed = z
  .string(said('a host, an address or a network', ALLOW_EXAMPLE))
  .refine((entry) => parseAllowEntry(entry) !== undefined, {
    ...said('a host, an address or a network', ALLOW_EXAMPLE),
  });

const VARIABLE = /\{\{\s*(\w+)\s*\}\}/g;
const LINK_EXAMPLE = 'https://grafana.shop.example/d/canary?ns={{ namespace }}&name={{ name }}';

const isLink = (template: string): boolean => {
  const variables = [...template.matchAll(VARIABLE)].map(([, variable]) => variable);
  const address = template.replace(VARIABLE, 'x');
  return (
    variables.every((variable) => variable === 'namespace' || variable === 'name') &&
    URL.canParse(address) &&
    /^https?:$/.test(new URL(address).protocol)
  );
};

export const alertParts = {
  alertProviders: z
    .array(
      alertProvider.refine(hasOneAddress, {
        error: `expected either url or urlFile (example: ${PROVIDER_EXAMPLE})`,
      }),
      said('a list of alert providers', `[${PROVIDER_EXAMPLE}]`, false),
    )
    .refine(namesDiffer, {
      error: `expected names that differ, got the same name twice (example: [${PROVIDER_EXAMPLE}])`,
    })
    .default([]),
  /** Who is told of every run, whatever policies say. */
  alerts: z.array(alertRule, said('a list of providers', '[{provider: chat, severity: warn}]')).default([]),
  outbound: z
    .strictObject(
      {
        /**
         * Hosts (`*.shop.svc`), addresses and networks (`10.0.0.0/8`) that webhooks and alerts may reach; absent: all
         * but loopback, link-local addresses and the API server, which must be named here to be reached.
         */
        allow: z.array(allowed, said('a list of hosts', '["*.shop.svc"]')).optional(),
      },
      said('what may be called', '{allow: ["*.shop.svc"]}'),
    )
    .default({}),
  /** Where alerts link to; `{{ namespace }}` and `{{ name }}` stand for the Deployment's. */
  linkTemplate: z
    .string(said('an http or https URL', LINK_EXAMPLE))
    .refine(isLink, said('an http or https URL with no variables but namespace and name', LINK_EXAMPLE))
    .optional(),
};

interface Named {
  alertProviders: readonly { name: string }[];
  alerts: readonly { provider: string }[];
}

/** Each rule names a provider of the file. */
export const rulesNameProviders = (
  { alertProviders, alerts }: Named,
  context: z.core.$RefinementCtx,
): void => {
  const known = alertProviders.map(({ name: each }) => each);
  for (const [index, { provider }] of alerts.entries()) {
    if (known.includes(provider)) continue;
    const message = `expected the name of an alert provider (${known.join(', ') || 'there is none'}), got "${provider}" (example: ${known[0] ?? 'chat'})`;
    context.addIssue({ code: 'custom', path: ['alerts', index, 'provider'], message });
  }
};
