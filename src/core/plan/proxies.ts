import { canaryRevisionOf } from '../facts.ts';
import type { Run } from '../run.ts';
import { milestone, propagationWaitOf, type RunContext, type Stage } from './move.ts';

// A weight may reach a proxy before the endpoints that it is for: routes and endpoints come by different ways. Its whole
// share then fails, or, after a run that was overtaken, goes to pods that are no more.

// Before its first weight no pod of a superseded revision may be left behind the canary's address.
const hasEndpoints = ({ snapshot: { endpoints, canaryDeployment }, run, status }: RunContext): boolean =>
  canaryRevisionOf(canaryDeployment) === run.revision &&
  endpoints.canary > 0 &&
  (status.canaryWeight > 0 || endpoints.canaryAny === endpoints.canary);

/** The endpoints that come next are others than proxies know. */
export const forgetting = (run: Run): Run => {
  const { canaryKnown: _, ...milestones } = run.milestones;
  return { ...run, milestones };
};

/** Endpoints that went, or are mixed with those of another revision, are to be learnt anew. */
export const canaryForgotten: Stage = (context) => {
  const { run } = context;
  if (run.milestones.canaryKnown === undefined || hasEndpoints(context)) return undefined;
  return {
    run: forgetting(run),
    reason: 'CanaryNotReady',
    message: 'the canary has no endpoints of its own',
    requeueAfterMs: 0,
  };
};

/** Proxies have had the time to learn the canary's endpoints, before it has a share. */
export const canaryKnown: Stage = (context) =>
  context.snapshot.traffic.services.length === 0
    ? undefined
    : milestone(context, {
        name: 'canaryKnown',
        reached: hasEndpoints(context),
        effects: [],
        waitMs: propagationWaitOf(context),
        reason: 'WaitingForProxies',
        message: "proxies learn the canary's endpoints",
      });
