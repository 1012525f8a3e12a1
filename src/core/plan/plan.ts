import { isCanaryDeployment } from '../canary-deployment.ts';
import type { Effect, Plan } from '../effects.ts';
import { factsOf } from '../facts.ts';
import { controllerOf, type Deployment } from '../objects.ts';
import type { CanaryStatus } from '../run.ts';
import type { Snapshot } from '../snapshot.ts';
import { withAlerts } from './alerts.ts';
import { policyKnown, servicesExist, trafficSuffices } from './asked.ts';
import { canaryReady, canarySized } from './capacity.ts';
import { destinationsKept, leftToOthers, rewrittenAsserted } from './contest.ts';
import { withEventsSent } from './event-hooks.ts';
import { fixRecognised } from './fix.ts';
import { holdMarked } from './holds.ts';
import { withHooksHeard } from './hook-answers.ts';
import { postRolloutCalled, preRolloutPassed, rollbackAsked } from './hooks.ts';
import { decideIdle } from './idle.ts';
import { holdIntact, orphanedCanaryDeleted, servingLabelled } from './invariants.ts';
import { canaryServes, outageNoticed, step, withNewEvidence } from './judge.ts';
import { initialStatus, isActive, newRun } from './lifecycle.ts';
import { lossExplained } from './lost.ts';
import { firstMove, type RunContext, type Stage } from './move.ts';
import { withOutage } from './no-evidence.ts';
import { firstPodsLetThrough, startLetThrough } from './passage.ts';
import {
  destinationsStand,
  failedConditionCleared,
  firstStepChosen,
  heldReplicaSetDeleted,
  limitsTold,
  primaryAdopted,
  primaryTemplateKept,
  splitStands,
} from './prepare.ts';
import { primaryServes } from './primary.ts';
import { PROMOTION } from './promote.ts';
import { canaryForgotten, canaryKnown } from './proxies.ts';
import { redirect } from './redirect.ts';
import { hasRemains } from './remains.ts';
import { withRoutesNoted, withRoutesSeen } from './routes-written.ts';
import { finish, settle, withRollbackEvent } from './settle.ts';
import { canaryRuns, withSignals } from './signals.ts';
import { slippedThrough } from './slipped.ts';
import { primaryLabelled, splitTakenOver, trafficSplittable } from './take-over.ts';
import { strayShareWithdrawn } from './weights.ts';
import { WITHDRAWAL } from './withdraw.ts';

// What to do next about one Deployment, from what the cluster looks like and nothing else: the same snapshot at the
// same time gives the same plan, so a process that died anywhere is continued by the next one.

const ADVANCE: readonly Stage[] = [
  outageNoticed,
  rollbackAsked,
  canaryRuns,
  leftToOthers,
  destinationsKept,
  canaryServes,
  strayShareWithdrawn,
  rewrittenAsserted,
  failedConditionCleared,
  holdMarked,
  fixRecognised,
  lossExplained,
  primaryTemplateKept,
  heldReplicaSetDeleted,
  primaryAdopted,
  holdIntact,
  servingLabelled,
  policyKnown,
  servicesExist,
  trafficSplittable,
  trafficSuffices,
  limitsTold,
  startLetThrough,
  primaryLabelled,
  destinationsStand,
  splitTakenOver,
  splitStands,
  firstStepChosen,
  firstPodsLetThrough,
  canarySized,
  canaryForgotten,
  canaryReady,
  canaryKnown,
  primaryServes,
  preRolloutPassed,
  step,
];

const nothing = (reason: string): Plan => ({
  status: undefined,
  effects: [],
  requeueAfterMs: undefined,
  reason,
});

/** The Deployment is gone: its own objects go with it, the user's routes get their form back. */
const planDeleted = ({ traffic }: Snapshot): Plan => {
  const plan = nothing('DeploymentDeleted');
  if (!traffic.routesRestored)
    return { ...plan, effects: [{ kind: 'restoreRoutes' }], requeueAfterMs: 1_000 };
  if (!traffic.destinationsRemoved)
    return { ...plan, effects: [{ kind: 'removeDestinations' }], requeueAfterMs: 1_000 };
  return plan;
};

/** A canary is no rollout of its own. One that a deletion with orphan propagation has left behind is of no use to anybody. */
const planCanaryItself = (canary: Deployment): Plan => {
  const plan = nothing('CanaryItself');
  if (controllerOf(canary) !== undefined) return plan;
  const { name, uid = '' } = canary.metadata;
  return { ...plan, effects: [{ kind: 'deleteCanary', name, uid }] };
};

const stagesFor = ({ run }: RunContext): readonly Stage[] => {
  if (run.ending === undefined) return ADVANCE;
  const stages = run.ending.outcome === 'Promoted' ? PROMOTION : WITHDRAWAL;
  return [destinationsKept, ...stages, postRolloutCalled];
};

const sooner = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);

/** The run under way: advanced, promoted or withdrawn. */
const planRun = (given: RunContext, before: CanaryStatus | undefined, opening: Effect[]): Plan => {
  const { context: seen, told } = withRoutesSeen(withOutage(withSignals(withNewEvidence(given))));
  const { context, effects, askAgainMs } = withHooksHeard(seen);
  const move = firstMove(stagesFor(context), context);
  const next =
    move === undefined
      ? finish(context, before)
      : settle(context, before, withRoutesNoted(context, withRollbackEvent(context, move)));
  return {
    ...next,
    effects: [...opening, ...told, ...effects, ...next.effects],
    requeueAfterMs: sooner(next.requeueAfterMs, askAgainMs),
  };
};

/** With a Canary to write to: the run under way goes on, or one begins, or nothing is to be done. */
const planStatus = (context: RunContext, known: CanaryStatus | undefined): Plan => {
  const { status, facts } = context;
  if (isActive(status.run)) {
    const { context: current, opening } = redirect(context);
    return planRun(current, known, opening);
  }
  if (known === undefined && !facts.held)
    return settle(context, known, { reason: status.reason, message: status.message });
  const idle = decideIdle(context, status);
  return idle.kind === 'plan' ? idle.plan : planRun(idle.context, known, idle.opening);
};

/**
 * The plan for one Deployment.
 * @param now the scheduler's clock
 */
export const plan = (snapshot: Snapshot, now: Date): Plan => {
  const { deployment, canary } = snapshot;
  if (deployment === undefined || deployment.metadata.deletionTimestamp !== undefined)
    return planDeleted(snapshot);
  if (isCanaryDeployment(deployment)) return planCanaryItself(deployment);
  const facts = factsOf(snapshot, deployment);
  if (canary === undefined) {
    if (!snapshot.optedIn && !facts.held && !hasRemains(snapshot)) return nothing('NotOptedIn');
    return { ...nothing('Initialising'), effects: [{ kind: 'createCanary' }], requeueAfterMs: 1_000 };
  }
  const known = canary.status?.phase === undefined ? undefined : canary.status;
  const status = known ?? initialStatus(facts, now);
  const context: RunContext = { snapshot, facts, status, run: status.run ?? newRun(facts, now), now };
  const decided = planStatus(context, known);
  const always = [...slippedThrough(context, known), ...orphanedCanaryDeleted(context)];
  const complete: Plan = { ...decided, effects: [...always, ...decided.effects] };
  return withAlerts(context, withEventsSent(context, complete));
};
