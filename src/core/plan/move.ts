import { givenBy, isSteered } from '../aims.ts';
import type { Effect } from '../effects.ts';
import type { Facts } from '../facts.ts';
import type { Timestamp } from '../objects.ts';
import type { CanaryStatus, Ending, Milestone, Run } from '../run.ts';
import { isNoShare, type Share, sendsRequests } from '../share.ts';
import type { Snapshot } from '../snapshot.ts';

/** What the stages of a run decide from. */
export interface RunContext {
  snapshot: Snapshot;
  facts: Facts;
  status: CanaryStatus;
  run: Run;
  now: Date;
}

/** The one thing to do or to wait for next. */
export interface Move {
  /** Changes to the status, the run's included. */
  status?: Partial<CanaryStatus>;
  run?: Run;
  effects?: Effect[];
  requeueAfterMs?: number;
  /** From the reason catalogue. */
  reason: string;
  /** For people: what is being done or waited for, and why. */
  message: string;
}

/** One precondition of a run: a move while it does not hold, nothing once it does. */
export type Stage = (context: RunContext) => Move | undefined;

/** After a write the watch wakes the run; this is the safety net for a watch that is late. */
export const SOON_MS = 1_000;

/** The first stage that is not satisfied decides. */
export const firstMove = (stages: readonly Stage[], context: RunContext): Move | undefined => {
  for (const stage of stages) {
    const move = stage(context);
    if (move !== undefined) return move;
  }
  return undefined;
};

export const stamp = (now: Date): Timestamp => now.toISOString().replace(/\.\d{3}Z$/, 'Z');

/** Milliseconds from `since` to `now`, never negative (clocks differ, and stamps are whole seconds). */
export const elapsedMs = (since: Timestamp, now: Date): number =>
  Math.max(0, now.getTime() - Date.parse(since));

type OptionalInRun =
  | 'ailing'
  | 'given'
  | 'heard'
  | 'metricsOutage'
  | 'passedAt'
  | 'pausedAt'
  | 'primaryShortSince'
  | 'stepSince'
  | 'unstartedSince'
  | 'waitingSince';

/** Optional properties can't be set to undefined (they would reach the API server as such): they are left out. */
export const without = (run: Run, ...keys: OptionalInRun[]): Run => {
  const rest = { ...run };
  for (const key of keys) delete rest[key];
  return rest;
};

/** Proxies share the Deployment's traffic out, by what its routes say. */
export const steersTraffic = ({ snapshot }: RunContext): boolean => isSteered(snapshot.traffic);

/**
 * Routes may send requests to the canary: it has a share in them, or they are half written. A kill between two of
 * them leaves the one at 0 and the other as it was, without a common weight, and that is not none.
 */
export const mayCarryTraffic = (context: RunContext): boolean => {
  const { traffic } = context.snapshot;
  if (traffic.routesRestored) return false;
  if (!steersTraffic(context)) return traffic.share !== undefined && sendsRequests(traffic.share);
  // Without a canary to reach, routes half given back are not split anew.
  return traffic.share === undefined
    ? context.run.milestones.canaryGone === undefined
    : !isNoShare(traffic.share);
};

/** The run has decided that requests go to the canary, live ones or copies. */
export const isGivenTraffic = ({ run, status }: RunContext): boolean =>
  status.canaryWeight > 0 || run.given === 'match' || run.given === 'mirror';

/** The run has decided on this share, whatever the routes say; a status from before it was kept knows weights only. */
export const isDecided = ({ run, status }: RunContext, share: Share): boolean =>
  status.canaryWeight === share.weight && (run.given ?? 'weight') === givenBy(share);

export const propagationWaitOf = (context: RunContext): number =>
  steersTraffic(context)
    ? (context.snapshot.settings.propagationWaitMs ?? context.snapshot.operator.propagationWaitMs)
    : 0;

export const ending = (context: RunContext, decided: Omit<Ending, 'decidedAt' | 'weight'>): Ending => ({
  ...decided,
  weight: context.status.canaryWeight,
  decidedAt: stamp(context.now),
});

export interface MilestoneRule {
  name: Milestone;
  /** It is seen to hold. */
  reached: boolean;
  /** What makes it hold. */
  effects: Effect[];
  /** What proxies need to learn it, ms. */
  waitMs: number;
  reason: string;
  /** What is being done, for people. */
  message: string;
}

/**
 * A precondition that proxies need time to learn. The wait counts from when it is seen to hold, not from the write:
 * a kill between the intent and the write must not shorten it. Seen not to hold any more, it starts anew.
 */
export const milestone = (context: RunContext, rule: MilestoneRule): Move | undefined => {
  const { run, now } = context;
  const { [rule.name]: since, ...others } = run.milestones;
  const { reason, message } = rule;
  if (!rule.reached) {
    return {
      run: { ...run, milestones: others },
      effects: rule.effects,
      reason,
      message,
      requeueAfterMs: SOON_MS,
    };
  }
  if (since === undefined) {
    const milestones = { ...run.milestones, [rule.name]: now.toISOString() };
    return { run: { ...run, milestones }, reason, message, requeueAfterMs: rule.waitMs };
  }
  const left = rule.waitMs - elapsedMs(since, now);
  return left > 0 ? { reason, message, requeueAfterMs: left } : undefined;
};

/** A share as people read it. */
export const percent = (weight: number): string => `${weight} %`;

/** An Event of the run's story, with the reason that Flagger's users filter by. */
export const event = (message: string, type: 'Normal' | 'Warning' = 'Normal'): Effect => ({
  kind: 'event',
  type,
  reason: 'Synced',
  message,
});

/** The canary's share, in the routes and on the Deployment. */
export const shareWritten = (share: Share): Effect[] => [
  { kind: 'setShare', share },
  { kind: 'setWeightMark', weight: share.weight },
];
