import type { Effect } from '../effects.ts';
import { inject } from '../injection.ts';
import { HASH_LABEL } from '../marks.ts';
import type { PodTemplate } from '../objects.ts';
import type { Ending } from '../run.ts';
import type { Snapshot } from '../snapshot.ts';
import { ending, type Move, type RunContext, SOON_MS, type Stage } from './move.ts';

// The primary's ReplicaSet is gone while another template is held: deleted by hand, or cleaned up at scale 0. A paused
// Deployment makes none anew, so its template comes back from where it is kept, and is released.

const keptTemplate = ({ snapshot, facts }: Omit<RunContext, 'run'>): PodTemplate | undefined =>
  snapshot.kept.find(({ revision }) => revision === facts.primaryRevision)?.template;

/** The end of a run whose primary is lost; undefined when it is not, or can not be restored. */
export const endedByLoss = (context: RunContext): Ending | undefined => {
  if (!context.facts.primaryLost || keptTemplate(context) === undefined) return undefined;
  const message = `the ReplicaSet of the serving version was gone; its template ${context.facts.primaryRevision} is restored and released`;
  return ending(context, { outcome: 'Reverted', reason: 'PrimaryLost', message });
};

export const toldLoss = ({ message }: Ending): Effect => ({
  kind: 'event',
  type: 'Warning',
  reason: 'PrimaryLost',
  message,
});

/** As it was stored in the first place: without what the Deployment controller put on its ReplicaSet. */
const asReleased = (template: PodTemplate, { injection }: Snapshot): PodTemplate => {
  const labels = Object.entries(template.metadata?.labels ?? {}).filter(([name]) => name !== HASH_LABEL);
  return inject(
    { ...template, metadata: { ...template.metadata, labels: Object.fromEntries(labels) } },
    injection,
  );
};

export const primaryRestored: Stage = (context) => {
  const { facts, run, snapshot } = context;
  const template = keptTemplate(context);
  if (run.ending?.reason !== 'PrimaryLost' || !facts.primaryLost || template === undefined) return undefined;
  return {
    effects: [
      {
        kind: 'restorePrimary',
        revision: facts.primaryRevision,
        template: asReleased(template, snapshot),
        held: facts.deployment.spec.template,
      },
    ],
    reason: run.ending.reason,
    message: run.ending.message,
    requeueAfterMs: SOON_MS,
  };
};

/** Lost before its template was kept: only a person can bring it back. */
export const lossExplained: Stage = ({ facts }): Move | undefined => {
  if (!facts.primaryLost) return undefined;
  const message = `the ReplicaSet of the serving version ${facts.primaryRevision} is gone and its template is not kept: apply that version again`;
  return { reason: 'PrimaryLost', message, effects: [], requeueAfterMs: 10_000 };
};
