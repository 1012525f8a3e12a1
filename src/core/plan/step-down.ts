import { sameJson } from '../same-json.ts';
import type { Share } from '../share.ts';
import {
  elapsedMs,
  event,
  type RunContext,
  SOON_MS,
  type Stage,
  shareWritten,
  steersTraffic,
} from './move.ts';
import { targetShare } from './prepare.ts';

// `stepWeightPromotion`: the rolled-out primary takes the canary's requests over bit by bit instead of all at once.

/** The run's last share at that weight; below it clients are drawn anew each time. */
const shareAt = (context: RunContext, weight: number): Share => {
  const last = targetShare(context);
  if (weight === last.weight) return last;
  const { affinity } = context.snapshot.settings;
  if (affinity === undefined) return { weight };
  return { weight, affinity: { ...affinity, token: `${context.run.id}-down-${weight}` } };
};

/** Nothing once the next weight would be none: what ends the run takes the rest. */
export const weightSteppedDown: Stage = (context) => {
  const { snapshot, status, run, now, facts } = context;
  const { stepWeightPromotion: by, intervalMs } = snapshot.settings;
  if (by === undefined || status.canaryWeight === 0 || !steersTraffic(context)) return undefined;
  const words = {
    reason: 'Promoting',
    message: `rolled out; canary weight ${status.canaryWeight} % goes down by ${by}`,
  };
  const share = shareAt(context, status.canaryWeight);
  if (run.stepSince === undefined || !sameJson(snapshot.traffic.share, share)) {
    const effects = sameJson(snapshot.traffic.share, share) ? [] : shareWritten(share);
    return { run: { ...run, stepSince: now.toISOString() }, effects, ...words, requeueAfterMs: SOON_MS };
  }
  const left = intervalMs - elapsedMs(run.stepSince, now);
  if (left > 0) return { ...words, requeueAfterMs: left };
  const weight = status.canaryWeight - by;
  if (weight <= 0) return undefined;
  const advanced = event(`Advance ${facts.deployment.metadata.name} primary weight ${100 - weight}`);
  return {
    status: { canaryWeight: weight },
    run: { ...run, stepSince: now.toISOString() },
    effects: [...shareWritten(shareAt(context, weight)), advanced],
    ...words,
    requeueAfterMs: SOON_MS,
  };
};
