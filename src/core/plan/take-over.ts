import { elapsedMs, ending, type RunContext, SOON_MS, type Stage } from './move.ts';

// Some who carry out a split tell how far they are: a weight counts once they work by it, and what they still work by
// stays.

/** What can't be split is waited for, never guessed at. */
export const trafficSplittable: Stage = ({ snapshot: { traffic } }) =>
  traffic.obstacle === undefined ? undefined : { ...traffic.obstacle, effects: [], requeueAfterMs: 10_000 };

/** Narrowed to the primary's label, a Service drops whatever lacks it. */
export const primaryLabelled: Stage = ({ snapshot: { traffic, endpoints } }) => {
  if (traffic.canaryServices === undefined || traffic.destinations) return undefined;
  if (endpoints.primaryUnlabelled === 0) return undefined;
  const message = `${endpoints.primaryUnlabelled} endpoints behind the Service do not carry the primary's label: narrowed to it, the Service would lose them`;
  return { reason: 'PrimaryNotReady', message, effects: [], requeueAfterMs: SOON_MS };
};

/** Written everywhere, a split has the progress deadline to come into effect. */
export const splitTakenOver: Stage = (context) => {
  const { snapshot, run, now } = context;
  const { outstanding, share } = snapshot.traffic;
  if (outstanding === undefined || share === undefined) return undefined;
  const { message } = outstanding;
  const since = run.waitingSince ?? now.toISOString();
  const left = snapshot.settings.progressDeadlineMs - elapsedMs(since, now);
  if (left > 0) {
    const requeueAfterMs = Math.min(left, 10_000);
    return { run: { ...run, waitingSince: since }, reason: 'WaitingForProxies', message, requeueAfterMs };
  }
  const reason = 'RouteNotAccepted';
  const decided = ending(context, { outcome: 'RolledBack', reason, message });
  return { run: { ...run, ending: decided }, reason, message, requeueAfterMs: 0 };
};

const isUnseen = ({ snapshot: { traffic } }: RunContext): boolean => traffic.outstanding?.seen === false;

/** The last share may still be worked by although it is taken back, and the canary still has pods that it leads to. */
export const canaryMayBeReached = (context: RunContext): boolean => {
  const { canaryDeployment, endpoints } = context.snapshot;
  return isUnseen(context) && (canaryDeployment !== undefined || endpoints.canaryAny > 0);
};

/** The split may still be worked by although the routes are given back. Nothing depends on it beyond the deadline. */
export const splitMayBeInEffect = (context: RunContext): boolean => {
  const { snapshot, run, now } = context;
  const since = run.milestones.canaryGone;
  if (!isUnseen(context) || since === undefined) return false;
  return elapsedMs(since, now) < snapshot.settings.progressDeadlineMs;
};

/** What is waited for, behind what the run has to say. */
export const withOutstanding = (message: string, { snapshot }: RunContext): string => {
  const outstanding = snapshot.traffic.outstanding?.message;
  return outstanding === undefined ? message : `${message}; waiting: ${outstanding}`;
};
