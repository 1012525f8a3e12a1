import { systemTiming } from '../kube/timing.ts';
import { createGuardedPost } from '../outbound/guarded-post.ts';
import { createSend, type Send } from '../outbound/outbound.ts';
import { createWebhookSender } from '../outbound/webhook-sender.ts';
import type { Shared } from './shared.ts';

const notYet = () => Promise.resolve({ ok: false, message: 'not built yet' });

/** How runs reach webhooks and alert providers. */
export const createOutbound = ({ integrations }: Shared): Send => {
  const post = createGuardedPost({ allow: integrations.outbound.allow, apiServer: () => [] });
  return createSend({ webhook: createWebhookSender({ post, sleep: systemTiming.sleep }), alert: notYet });
};
