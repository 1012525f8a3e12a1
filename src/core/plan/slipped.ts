import type { Effect } from '../effects.ts';
import { PRIMARY_MARK } from '../marks.ts';
import { annotationsOf } from '../objects.ts';
import { revisionOf } from '../revision.ts';
import type { CanaryStatus } from '../run.ts';
import type { RunContext } from './move.ts';

/**
 * Pods of another template run, and nobody let it out: admission and the scheduler leave its revision as the primary's
 * mark when they do. Told by the ReplicaSet's name, for a revision also changes with what Kanari injects; once, for the
 * status that is written with it names the new one.
 * @param before the status as stored
 */
export const slippedThrough = (
  { snapshot, facts }: Pick<RunContext, 'snapshot' | 'facts'>,
  before: CanaryStatus | undefined,
): Effect[] => {
  const { deployment, primaryReplicaSet: runs, templateRevision } = facts;
  const known = before?.primary?.replicaSet;
  if (!snapshot.optedIn || deployment.spec.paused === true) return [];
  if (known === undefined || runs === undefined || runs.metadata.name === known) return [];
  // Until the Deployment controller has made the new ReplicaSet, another stands in for it.
  if (revisionOf(runs.spec.template, snapshot.injection) !== templateRevision) return [];
  if (annotationsOf(deployment)[PRIMARY_MARK] === templateRevision) return [];
  return [{ kind: 'ungated', reason: 'NotAdmitted' }];
};
