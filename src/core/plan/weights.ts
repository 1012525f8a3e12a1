import { describeAdvance, describeShare, givenBy } from '../aims.ts';
import { newEvidence } from '../evidence.ts';
import { sameJson } from '../same-json.ts';
import { NO_SHARE } from '../share.ts';
import { shareMade } from './capacity.ts';
import {
  event,
  isDecided,
  isGivenTraffic,
  mayCarryTraffic,
  SOON_MS,
  type Stage,
  shareWritten,
  stamp,
  steersTraffic,
  without,
} from './move.ts';
import { targetShare } from './prepare.ts';

// The canary's share: what the routes say is what the run has decided, no more and no less.

/**
 * A share that the run does not have (of a superseded run, or of a canary that was lost) is taken back before all
 * else: nobody judges what it does to requests.
 */
export const strayShareWithdrawn: Stage = (context) => {
  const { snapshot } = context;
  const stray = !isGivenTraffic(context) && mayCarryTraffic(context);
  // Routes that are not split at all can't name the canary, and must not name destinations that do not stand yet.
  if (!stray || !snapshot.traffic.destinations) return undefined;
  return {
    effects: shareWritten(NO_SHARE),
    reason: 'Preparing',
    message: 'traffic goes back to the primary until the canary is ready',
    requeueAfterMs: SOON_MS,
  };
};

/** The step's share stands in every route; the interval counts from when it is seen there. */
export const weightStands: Stage = (context) => {
  const { snapshot, run, facts } = context;
  const share = targetShare(context);
  const words = describeShare(share) + shareMade(context, share.weight);
  const decided = isDecided(context, share);
  const stands =
    !steersTraffic(context) || (snapshot.traffic.split && sameJson(snapshot.traffic.share, share));
  if (!stands || !decided) {
    const message = describeAdvance(facts.deployment.metadata.name, share) + shareMade(context, share.weight);
    return {
      status: { canaryWeight: share.weight },
      run: {
        ...without(run, 'stepSince'),
        given: givenBy(share),
        evidence: run.evidence ?? newEvidence(stamp(context.now)),
      },
      effects: [...shareWritten(share), ...(decided ? [] : [event(message)])],
      reason: 'Advancing',
      message: words,
      requeueAfterMs: SOON_MS,
    };
  }
  if (run.stepSince !== undefined) return undefined;
  return {
    run: { ...run, stepSince: context.now.toISOString() },
    reason: 'Advancing',
    message: `${words}, collecting evidence`,
    requeueAfterMs: Math.min(snapshot.settings.intervalMs, snapshot.operator.lookIntervalMs),
  };
};
