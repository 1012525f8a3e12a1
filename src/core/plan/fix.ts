import { isAiling, type PrimaryHealth, primaryHealth } from '../primary-health.ts';
import type { Run } from '../run.ts';
import { elapsedMs, ending, type RunContext, SOON_MS, type Stage, without } from './move.ts';

// A change that comes while the serving version ails is most likely the fix for it, and a fix is not kept waiting. A
// primary that falls ill later, mid-run, releases nothing: the run stops advancing.

/** So long the primary may take to show that it gets better by itself. */
const PATIENCE_MS = 10_000;

/** How the serving version is at this look. */
export const healthOf = ({ facts, snapshot, now }: Omit<RunContext, 'run'>): PrimaryHealth =>
  primaryHealth(facts, snapshot.primaryPods, now);

/** The run as it begins with a change of somebody's: it remembers a primary that ails already. */
export const begunByChange = (run: Run, context: Omit<RunContext, 'run'>): Run => {
  const health = healthOf(context);
  if (!isAiling(health)) return run;
  return { ...run, ailing: { since: context.now.toISOString(), ready: health.ready } };
};

/** An ailing primary in words. */
export const ailmentOf = ({ ailing, absent }: PrimaryHealth): string =>
  absent
    ? 'no pod of a serving version is there, nor a ReplicaSet that could make one'
    : `${ailing} ${ailing === 1 ? 'pod' : 'pods'} of the serving version can not become ready`;

/** Ten seconds later no better: the change goes out as it is. */
export const fixRecognised: Stage = (context) => {
  const { run, now } = context;
  if (run.ailing === undefined) return undefined;
  const health = healthOf(context);
  if (!isAiling(health) || health.ready > run.ailing.ready) {
    const message = 'the serving version gets better; the canary is prepared';
    return { run: without(run, 'ailing'), reason: 'Preparing', message, requeueAfterMs: 0 };
  }
  const left = PATIENCE_MS - elapsedMs(run.ailing.since, now);
  if (left > 0) {
    const message = `${ailmentOf(health)}; unless that gets better, the change is taken for the fix`;
    return { reason: 'PrimaryNotReady', message, requeueAfterMs: left };
  }
  const reason = 'PrimaryUnhealthy';
  const message = `${ailmentOf(health)}: the change is taken for the fix and released without a canary`;
  const decided = ending(context, { outcome: 'Skipped', reason, message });
  return {
    run: { ...run, ending: decided },
    effects: [{ kind: 'ungated', reason }],
    reason,
    message,
    requeueAfterMs: 0,
  };
};

/** Guarded as a promotion is: what nobody has seen is not released. */
export const fixReleased: Stage = ({ facts, run }) => {
  if (run.ending?.reason !== 'PrimaryUnhealthy') return undefined;
  if (!facts.held || facts.templateRevision !== run.revision) return undefined;
  return {
    effects: [{ kind: 'promote', revision: run.revision, template: facts.deployment.spec.template }],
    reason: run.ending.reason,
    message: run.ending.message,
    requeueAfterMs: SOON_MS,
  };
};
