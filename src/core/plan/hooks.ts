import type { MetricCheck } from '../run.ts';
import type { RunContext, Stage } from './move.ts';

// What users' webhooks have to say about a run.

/** A `rollback` webhook answers 200: somebody wants the run to end. */
export const rollbackAsked: Stage = () => undefined;

/** Every `pre-rollout` webhook has passed, before the canary gets its first request. */
export const preRolloutPassed: Stage = () => undefined;

/** The `rollout` webhooks of this check have answered; each counts as a metric (`webhookChecks`). */
export const rolloutAnswered: Stage = () => undefined;

/** What they answered, as checks. */
export const webhookChecks = (_context: RunContext): MetricCheck[] => [];

/** `post-rollout` webhooks have been called; how they end changes nothing. */
export const postRolloutCalled: Stage = () => undefined;
