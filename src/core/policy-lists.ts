import { z } from 'zod';
import type { AlertRule } from './alert.ts';
import { parseDuration } from './duration.ts';
import { policyMetric } from './policy-metric.ts';
import { WEBHOOK_TYPES, type Webhook } from './webhook.ts';

// The lists of a CanaryPolicy that no annotation has room for: metrics, webhooks and alerts.

const duration = z.string().transform(parseDuration).pipe(z.number());

const webhook = z
  .object({
    name: z.string(),
    type: z.enum(WEBHOOK_TYPES).default('rollout'),
    url: z.url({ protocol: /^https?$/ }),
    timeout: duration.default(10_000),
    retries: z.int().min(0).max(10).default(0),
    metadata: z.record(z.string(), z.string()).default({}),
  })
  .transform(({ timeout, ...rest }): Webhook => ({ ...rest, timeoutMs: timeout }));

const alert = z.object({
  name: z.string(),
  provider: z.string(),
  severity: z.enum(['info', 'warn', 'error']).default('info'),
}) satisfies z.ZodType<AlertRule>;

export const listParts = {
  metrics: z.array(policyMetric).optional(),
  webhooks: z.array(webhook).optional(),
  alerts: z.array(alert).optional(),
};
