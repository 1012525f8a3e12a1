import { describeShare } from '../aims.ts';
import { checkRun } from '../check.ts';
import { foldEvidence, newEvidence } from '../evidence.ts';
import { outageOf } from '../outage.ts';
import type { Settings } from '../release-settings.ts';
import { NO_SHARE } from '../share.ts';
import { advance } from './advance.ts';
import { shareMade } from './capacity.ts';
import { awaitsReadings, customChecks } from './custom-checks.ts';
import { freezes, frozen, thresholdReached } from './failed-check.ts';
import { adviceWithoutEvidence } from './forewarned.ts';
import { rolloutAnswered, webhookChecks } from './hooks.ts';
import { judgedOn } from './kept-back.ts';
import {
  elapsedMs,
  ending,
  event,
  firstMove,
  isGivenTraffic,
  type RunContext,
  SOON_MS,
  type Stage,
  shareWritten,
  stamp,
  without,
} from './move.ts';
import { withoutEvidence } from './no-evidence.ts';
import { firstRequestsLetThrough } from './passage.ts';
import { targetShare } from './prepare.ts';
import { forgetting } from './proxies.ts';
import { restartsJudged, signalsOf } from './signals.ts';
import { weightStands } from './weights.ts';

// From the first weight to the last: weights are raised on evidence only, and withdrawn on it at once.

// Scrape intervals of 15 s are common: one missed scrape must not make the evidence stale.
const OLDEST_SAMPLE_MS = 40_000;

/** What the last look brought, folded in; the same evidence when nothing is new. */
export const withNewEvidence = (context: RunContext): RunContext => {
  const { run, snapshot } = context;
  if (run.evidence === undefined || snapshot.evidence.kind !== 'samples') return context;
  const evidence = foldEvidence(run.evidence, snapshot.evidence, snapshot.settings);
  return evidence === run.evidence ? context : { ...context, run: { ...run, evidence } };
};

/** The fast path: an outage is rolled back at once, without waiting for the interval. */
export const outageNoticed: Stage = (context) => {
  const { run, snapshot, status } = context;
  const outage = run.evidence === undefined ? undefined : outageOf(snapshot.settings, run.evidence);
  if (outage === undefined) return undefined;
  const { metric, reason, message } = outage;
  return {
    status: { checks: [...status.checks.filter((check) => check.metric !== metric), outage] },
    run: { ...run, ending: ending(context, { outcome: 'RolledBack', reason, message }) },
    reason,
    message,
    requeueAfterMs: 0,
  };
};

/** A canary that lost its last ready endpoint gets no traffic from now on; it counts as a failed check. */
export const canaryServes: Stage = (context) => {
  const { snapshot, status, run } = context;
  if (snapshot.traffic.services.length === 0 || !isGivenTraffic(context)) return undefined;
  const { canary, unlisted = false } = snapshot.endpoints;
  if (canary > 0 || unlisted) return undefined;
  const failedChecks = status.failedChecks + 1;
  const message = 'the canary lost its last ready endpoint; its traffic goes back to the primary';
  // Frozen or not: a weight without endpoints behind it would only fail requests.
  if (failedChecks >= snapshot.settings.threshold && !freezes(snapshot))
    return thresholdReached(context, failedChecks, message);
  return {
    // It waits at no gate any more: its step has to pass anew.
    status: {
      failedChecks,
      canaryWeight: 0,
      ...(run.pausedAt === undefined ? { phase: 'Progressing' } : {}),
    },
    // What took its endpoints is judged by this.
    run: {
      ...without(forgetting(restartsJudged(run)), 'stepSince', 'given'),
      waitingSince: context.now.toISOString(),
    },
    effects: [...shareWritten(NO_SHARE), { kind: 'event', type: 'Warning', reason: 'CanaryLost', message }],
    reason: 'CanaryLost',
    message,
    requeueAfterMs: SOON_MS,
  };
};

export const intervalElapsed: Stage = (context) => {
  const { snapshot, run, now } = context;
  const share = targetShare(context);
  const left = snapshot.settings.intervalMs - elapsedMs(run.stepSince ?? now.toISOString(), now);
  if (left <= 0 && !awaitsReadings(context)) return undefined;
  return {
    reason: 'Advancing',
    message: `${describeShare(share)}${shareMade(context, share.weight)}, collecting evidence`,
    requeueAfterMs: left > 0 ? Math.min(left, snapshot.operator.lookIntervalMs) : SOON_MS,
  };
};

/** Requests say nothing where there are none to steer: of workers only Kubernetes' own signals can tell. */
const limitsOf = (context: RunContext): Settings => {
  const { settings, traffic } = context.snapshot;
  if (traffic.provider === 'none') return { ...settings, successRate: 'off', latency: 'off' };
  // The primary has no request left to compare with.
  return targetShare(context).weight === 100 ? { ...settings, compare: 'limit' } : settings;
};

/** One check of all metrics on what came since the last verdict. */
export const judged: Stage = (context) => {
  const { snapshot, status, run, now, facts } = context;
  const evidence = run.evidence ?? newEvidence(stamp(now));
  const check = checkRun(limitsOf(context), evidence, snapshot.evidence, {
    signals: signalsOf(context),
    others: [...customChecks(context), ...webhookChecks(context)],
    now: now.toISOString(),
    maxAgeMs: Math.max(4 * snapshot.operator.lookIntervalMs, OLDEST_SAMPLE_MS),
  });
  if (check.verdict === 'inconclusive') {
    const message = check.message + adviceWithoutEvidence(context);
    return withoutEvidence(context, { ...check, message });
  }
  const rejudged = { ...context, run: restartsJudged({ ...run, evidence: check.evidence }) };
  if (check.verdict === 'pass') return advance(rejudged, check);
  const failedChecks = status.failedChecks + 1;
  if (failedChecks >= snapshot.settings.threshold)
    return thresholdReached(rejudged, failedChecks, check.message, check.checks);
  const message = `Halt ${facts.deployment.metadata.name} advancement ${check.message}`;
  return {
    status: { failedChecks, checks: check.checks, phase: 'Progressing' },
    run: { ...rejudged.run, stepSince: now.toISOString() },
    effects: [event(message, 'Warning')],
    reason: check.reason,
    message,
    requeueAfterMs: snapshot.operator.lookIntervalMs,
  };
};

/** The stages of one step, in order. */
export const step: Stage = (context) =>
  firstMove(
    [
      firstRequestsLetThrough,
      weightStands,
      frozen,
      judgedOn((kept) => firstMove([intervalElapsed, rolloutAnswered, judged], kept)),
    ],
    context,
  );
