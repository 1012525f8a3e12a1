import type { Effect } from '../effects.ts';
import type { RoutesWritten } from '../run.ts';
import { NO_SHARE } from '../share.ts';
import { servingLabelled } from './invariants.ts';
import {
  elapsedMs,
  event,
  firstMove,
  type Move,
  mayCarryTraffic,
  type RunContext,
  SOON_MS,
  type Stage,
  shareWritten,
  steersTraffic,
  without,
} from './move.ts';
import { isContested, REASSERTIONS } from './routes-written.ts';
import { primaryLabelled } from './take-over.ts';
import {
  canaryDeleted,
  canaryUnreachable,
  destinationsRemoved,
  routesRestored,
  weightZeroLearnt,
} from './withdraw.ts';

// Others may rewrite the routes of a run. What they undo is written anew three times in a row. Then nobody can say what
// share the canary has: it is withdrawn, the routes are left to the others, and the run waits, trying its split every
// half a minute.

/** Before the second time and all others: routes that somebody applies one by one are no fight. */
const PAUSE_MS = 2_000;
const RETRY_MS = 30_000;

/**
 * Routes that name destinations which are gone fail every request: they come back at once, or the routes give way, even
 * to a canary that serves.
 */
export const destinationsKept: Stage = (context) => {
  const { snapshot, run } = context;
  const { traffic } = snapshot;
  if (run.routes === undefined || !steersTraffic(context)) return undefined;
  if (traffic.destinations || traffic.routesRestored) return undefined;
  const contested = isContested(context);
  const unsafe = contested ? undefined : primaryLabelled(context);
  if (unsafe !== undefined) return unsafe;
  return {
    effects: [{ kind: contested ? 'restoreRoutes' : 'ensureDestinations' }],
    reason: 'RoutesRewritten',
    message: `destinations that the routes need are missing: ${traffic.rewritten ?? ''}`,
    requeueAfterMs: SOON_MS,
  };
};

/** What others have undone is written anew, wherever the run is; the second time and later not at once. */
export const rewrittenAsserted: Stage = (context) => {
  const { run, snapshot, now } = context;
  const { traffic } = snapshot;
  const { routes } = run;
  if (routes === undefined || routes.undone === 0 || isContested(context)) return undefined;
  if (routes.state === 'stands' || routes.state === 'left') return undefined;
  if (!steersTraffic(context) || !traffic.destinations || traffic.rewritten === undefined) return undefined;
  const reason = 'RoutesRewritten';
  const message = `others rewrite the routes (${traffic.rewritten}); written anew, ${routes.undone} of ${REASSERTIONS}`;
  if (routes.state === 'written') return { reason, message, requeueAfterMs: SOON_MS };
  const left = routes.undone === 1 ? 0 : PAUSE_MS - elapsedMs(routes.since, now);
  if (left > 0) return { reason, message, requeueAfterMs: left };
  return { effects: shareWritten(routes.share), reason, message, requeueAfterMs: SOON_MS };
};

/** The canary's share taken back, as far as there is anything that routes may name. */
const givenUp = ({ snapshot }: RunContext): Effect[] =>
  snapshot.traffic.destinations
    ? shareWritten(NO_SHARE)
    : [{ kind: 'restoreRoutes' }, { kind: 'setWeightMark', weight: 0 }];

/** The one move that gives up: from here on the routes are left to others. */
const contestNoticed = (context: RunContext, routes: RoutesWritten): Move => {
  const { run, snapshot, facts, now } = context;
  const message = `others rewrite the routes (${snapshot.traffic.rewritten ?? ''}): after ${REASSERTIONS} times the canary is withdrawn, and the split is tried every ${RETRY_MS / 1_000} s`;
  return {
    status: { canaryWeight: 0, step: -1 },
    run: {
      ...without(without(run, 'stepSince'), 'waitingSince'),
      milestones: {},
      routes: { ...routes, state: 'left', since: now.toISOString() },
    },
    effects: [
      event(`Halt ${facts.deployment.metadata.name} advancement ${message}`, 'Warning'),
      ...givenUp(context),
    ],
    reason: 'RoutesContested',
    message,
    requeueAfterMs: SOON_MS,
  };
};

/** Once more, for a kill may have come before the first: routes that nobody fights over must not name a canary that goes. */
const shareGivenUp: Stage = (context) => {
  const { run, now } = context;
  if (run.milestones.weightZero !== undefined || !mayCarryTraffic(context)) return undefined;
  return {
    run: { ...run, milestones: { weightZero: now.toISOString() } },
    effects: givenUp(context),
    reason: 'RoutesContested',
    message: '',
    requeueAfterMs: SOON_MS,
  };
};

const triedAgain = (context: RunContext, routes: RoutesWritten): Move => {
  const { run, now } = context;
  const left = RETRY_MS - elapsedMs(routes.since, now);
  const { reason, message } = context.status;
  if (left > 0) return { reason, message, requeueAfterMs: left };
  return {
    status: { phase: 'Progressing' },
    run: { ...run, milestones: {}, routes: { ...routes, since: now.toISOString(), undone: REASSERTIONS } },
    reason: 'Preparing',
    message: 'trying whether the split is let stand',
    requeueAfterMs: 0,
  };
};

const LEAVING: readonly Stage[] = [
  destinationsKept,
  shareGivenUp,
  servingLabelled,
  weightZeroLearnt,
  canaryDeleted,
  canaryUnreachable,
  routesRestored,
  destinationsRemoved,
];

/** Withdrawn in the order of every end, but the run goes on: from its first step, when the split stands again. */
export const leftToOthers: Stage = (context) => {
  const { routes } = context.run;
  if (routes === undefined || !isContested(context)) return undefined;
  const paused = { phase: 'Paused' } as const;
  if (routes.state !== 'left') {
    const move = contestNoticed(context, routes);
    return { ...move, status: { ...move.status, ...paused } };
  }
  const leaving = firstMove(LEAVING, context);
  if (leaving === undefined) return triedAgain(context, routes);
  const message = context.status.message;
  return { ...leaving, status: { ...leaving.status, ...paused }, reason: 'RoutesContested', message };
};
