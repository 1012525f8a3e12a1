import type { OperatorAlerts } from '../core/alert.ts';
import type { CallRequest } from '../core/calls.ts';
import type { EndpointSlice } from '../core/objects.ts';
import { systemTiming } from '../kube/timing.ts';
import { createAlertSender } from '../outbound/alert-sender.ts';
import { createApiServerAddresses } from '../outbound/api-server-addresses.ts';
import { createGuardedPost, type GuardedPost, type PostOutcome } from '../outbound/guarded-post.ts';
import { createSend, type Send } from '../outbound/outbound.ts';
import { createWebhookSender } from '../outbound/webhook-sender.ts';
import type { Shared } from './shared.ts';

const outcomeOf = (outcome: PostOutcome): string => {
  if (outcome.kind !== 'answer') return outcome.kind;
  return outcome.status >= 200 && outcome.status < 300 ? 'ok' : 'error';
};

const isOfApiServer = ({ metadata }: EndpointSlice): boolean =>
  metadata.labels?.['kubernetes.io/service-name'] === 'kubernetes';

/** How runs reach webhooks and alert providers. */
export const createOutbound = ({ integrations, metrics, stores, apiServer }: Shared): Send => {
  const { alertProviders, linkTemplate, outbound } = integrations;
  const guarded = createGuardedPost({
    allow: outbound.allow,
    apiServer: createApiServerAddresses({
      server: apiServer,
      service: () => stores.services.get('default/kubernetes'),
      slices: () => stores.endpointSlices.inNamespace('default').filter(isOfApiServer),
    }),
  });
  const counted =
    (kind: CallRequest['kind']): GuardedPost =>
    async (url, options) => {
      const outcome = await guarded(url, options);
      metrics.outboundRequests.inc({ kind, outcome: outcomeOf(outcome) });
      return outcome;
    };
  const { sleep } = systemTiming;
  return createSend({
    webhook: createWebhookSender({ post: counted('webhook'), sleep }),
    alert: createAlertSender({ providers: alertProviders, linkTemplate, post: counted('alert'), sleep }),
  });
};

/** What plans know of the operator's alerts. */
export const alertsOf = ({ integrations }: Shared): OperatorAlerts => ({
  providers: integrations.alertProviders.map(({ name }) => name),
  rules: integrations.alerts,
});
