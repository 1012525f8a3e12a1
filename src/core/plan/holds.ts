import type { Effect } from '../effects.ts';
import { HELD_BY_MARK, PRIMARY_MARK, RUN_MARK, WEIGHT_MARK } from '../marks.ts';
import { annotationsOf } from '../objects.ts';
import { type RunContext, SOON_MS, type Stage } from './move.ts';

// The failsafe holds without knowing revisions: it leaves the run's mark out, and the primary's where only the pods can
// tell. What it held becomes an ordinary hold here.

/**
 * The run's mark names the held template, the primary's what serves. Held by `webhook` from now on: what the failsafe
 * writes anew tells the webhook that somebody has asked for a resume.
 */
export const holdMarked: Stage = ({ facts, status }) => {
  const marks = annotationsOf(facts.deployment);
  if (!facts.held || (marks[RUN_MARK] !== undefined && marks[HELD_BY_MARK] !== 'failsafe')) return undefined;
  return {
    effects: [
      {
        kind: 'setMarks',
        marks: {
          [RUN_MARK]: facts.templateRevision,
          // Without pods nobody knows what served: a guess would look like a revert.
          ...(facts.primaryReplicaSet === undefined ? {} : { [PRIMARY_MARK]: facts.primaryRevision }),
          [WEIGHT_MARK]: marks[WEIGHT_MARK] ?? String(status.canaryWeight),
          [HELD_BY_MARK]: 'webhook',
        },
      },
    ],
    reason: 'Preparing',
    message: 'taking over what the failsafe holds',
    requeueAfterMs: SOON_MS,
  };
};

/** Marks of a hold that was ended where no admission took them off: a later pause of a person's would look like one. */
export const staleMarksRemoved = ({ facts }: RunContext): Effect[] => {
  const marks = annotationsOf(facts.deployment);
  const stale = [RUN_MARK, HELD_BY_MARK].filter((mark) => mark in marks);
  if (facts.deployment.spec.paused === true || stale.length === 0) return [];
  return [{ kind: 'setMarks', marks: Object.fromEntries(stale.map((mark) => [mark, null])) }];
};
