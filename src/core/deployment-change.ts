import { HELD_BY_MARK, PRIMARY_MARK, RUN_MARK } from './marks.ts';
import { annotationsOf, type Deployment } from './objects.ts';
import { type OwnOptOut, ownOptOut } from './opt-in.ts';
import type { Settings } from './release-settings.ts';
import { canonicalTemplate, revisionOfCanonical } from './revision.ts';
import type { Revision } from './run.ts';
import { SKIP_ANNOTATION } from './settings.ts';
import type { Injection } from './snapshot.ts';

/** Pods of several versions: a rolling update goes on, or it stands still because of a pause or for want of an owner. */
export type Mixture = 'moving' | 'standing';

/** Everything the gates ask about an UPDATE of a Deployment, worked out once. */
export interface DeploymentChange {
  /** As stored. */
  before: Deployment;
  /** As requested. */
  after: Deployment;
  settings: Settings;
  injection: Injection;
  mixture: Mixture | undefined;
  /** Paused by Kanari. */
  held: boolean;
  /** The request itself asks for a pause: one that Kanari or its failsafe wrote into it does not count. */
  pauseRequested: boolean;
  /** Held, and the request asks to go on natively. */
  resumesHold: boolean;
  /** The pods asked for differ, what Kanari injects aside. */
  templateChanged: boolean;
  /** What the primary runs; undefined when that can't be known from the Deployment. */
  primary: Revision | undefined;
  /** Of the requested template. */
  revision: Revision;
  /** The request changes `kanari.dev/skip` to a value that means yes. */
  skipRequested: boolean;
  /** The request takes the Deployment out of Kanari's hands, and why. */
  optsOut: OwnOptOut | undefined;
}

export const changeOf = (
  before: Deployment,
  after: Deployment,
  context: Pick<DeploymentChange, 'settings' | 'injection' | 'mixture'>,
): DeploymentChange => {
  const stored = canonicalTemplate(before.spec.template, context.injection);
  const requested = canonicalTemplate(after.spec.template, context.injection);
  const templateChanged = stored !== requested;
  const revision = revisionOfCanonical(requested);
  const held = isHeld(before);
  return {
    ...context,
    before,
    after,
    held,
    pauseRequested: isPaused(after) && !pausedWithin(before, after),
    resumesHold: held && asksToResume(before, after),
    templateChanged,
    primary: primaryOf(before, templateChanged ? revisionOfCanonical(stored) : revision),
    revision,
    skipRequested: saysSkip(after) && skipOf(before) !== skipOf(after),
    optsOut: ownOptOut(before) === undefined ? ownOptOut(after) : undefined,
  };
};

export const isPaused = (deployment: Deployment): boolean => deployment.spec.paused === true;

/** Paused by Kanari rather than by a person. */
export const isHeld = (deployment: Deployment): boolean => {
  const annotations = annotationsOf(deployment);
  const marked = annotations[RUN_MARK] !== undefined || annotations[HELD_BY_MARK] !== undefined;
  return isPaused(deployment) && marked;
};

/** A skip that has done its work, or never had any, and is still in the manifest. */
export const skipLeftBehind = ({ before, after }: DeploymentChange): boolean =>
  saysSkip(after) && skipOf(before) === skipOf(after);

const skipOf = (deployment: Deployment): string => annotationsOf(deployment)[SKIP_ANNOTATION] ?? '';

const saysSkip = (deployment: Deployment): boolean => !['', 'false'].includes(skipOf(deployment));

/**
 * A mark of a hold is new in this request: the failsafe policy ran before, this webhook is called a second time, or
 * a manifest was copied from a held Deployment. Its pause is then no wish of the user's.
 */
const pausedWithin = (before: Deployment, after: Deployment): boolean =>
  [RUN_MARK, HELD_BY_MARK].some((mark) => isNewMark(mark, before, after));

// The failsafe pauses anew only what the request resumes or changes; this webhook's own second look is no resume.
const asksToResume = (before: Deployment, after: Deployment): boolean =>
  !isPaused(after) ||
  (annotationsOf(after)[HELD_BY_MARK] === 'failsafe' && isNewMark(HELD_BY_MARK, before, after));

const isNewMark = (mark: string, before: Deployment, after: Deployment): boolean => {
  const value = annotationsOf(after)[mark];
  return value !== undefined && value !== annotationsOf(before)[mark];
};

/** @param stored what the stored template is called */
const primaryOf = (before: Deployment, stored: Revision): Revision | undefined => {
  if (!isPaused(before)) return stored;
  const marked = annotationsOf(before)[PRIMARY_MARK];
  if (marked !== undefined || isHeld(before)) return marked;
  // A pause older than the opt-in: the stored template is the primary's only if its pods are there.
  return isUpdated(before) ? stored : undefined;
};

/** The Deployment controller has seen the stored template, and pods of it exist. */
const isUpdated = ({ metadata, status }: Deployment): boolean =>
  (status?.updatedReplicas ?? 0) > 0 && (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
