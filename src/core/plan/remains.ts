import type { Effect } from '../effects.ts';
import { canaryRevisionOf } from '../facts.ts';
import type { CanaryStatus } from '../run.ts';
import type { Snapshot } from '../snapshot.ts';
import { newRun } from './lifecycle.ts';
import { ending, event, type RunContext } from './move.ts';

// A run whose record is gone (its Canary was deleted by hand) leaves a canary behind that nobody watches.

/** Something of a run stands in the cluster. */
export const hasRemains = ({ canaryDeployment, traffic }: Snapshot): boolean =>
  canaryDeployment !== undefined || !traffic.routesRestored || !traffic.destinationsRemoved;

/** The run that withdraws what is left, in the order of every other end. */
export const withdrawalOfRemains = (context: RunContext): { context: RunContext; opening: Effect[] } => {
  const { facts, snapshot, now } = context;
  const message = 'the record of a run was lost; what is left of its canary is withdrawn';
  const begun = newRun(facts, now);
  const run = {
    ...begun,
    revision: canaryRevisionOf(snapshot.canaryDeployment) ?? begun.revision,
    ending: ending(context, { outcome: 'Skipped', reason: 'RunLost', message }),
  };
  const status: CanaryStatus = { ...context.status, phase: 'Finalising', run };
  return {
    context: { ...context, status, run },
    opening: [event(`Withdrawing the canary of ${facts.deployment.metadata.name}: ${message}`, 'Warning')],
  };
};
