// Calls to the user's own services, as in Flagger.

/** Flagger's eight types. */
export const WEBHOOK_TYPES = [
  'confirm-rollout',
  'pre-rollout',
  'rollout',
  'confirm-traffic-increase',
  'confirm-promotion',
  'post-rollout',
  'rollback',
  'event',
] as const;

export type WebhookType = (typeof WEBHOOK_TYPES)[number];

export interface Webhook {
  /** As it is shown in Events and checks; unique in the policy. */
  name: string;
  type: WebhookType;
  url: string;
  /** Milliseconds that one attempt has for its answer. */
  timeoutMs: number;
  /** Further attempts after a failed one. */
  retries: number;
  /** Sent along. */
  metadata: Readonly<Record<string, string>>;
}
