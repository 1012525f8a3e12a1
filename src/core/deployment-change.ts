import { HELD_BY_MARK, PRIMARY_MARK, RUN_MARK } from './marks.ts';
import { annotationsOf, type Deployment, type PodTemplate } from './objects.ts';
import { type OwnOptOut, ownOptOut } from './opt-in.ts';
import type { Settings } from './release-settings.ts';
import { canonicalTemplate, revisionOfCanonical } from './revision.ts';
import type { Revision } from './run.ts';
import { SKIP_ANNOTATION } from './settings.ts';
import type { Injection } from './snapshot.ts';

/** Pods of several versions: a rolling update goes on, or it stands still because of a pause or for want of an owner. */
export type Mixture = 'moving' | 'standing';

/** Everything the gates ask about an UPDATE of a Deployment, worked out once, and only what they ask. */
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

/** A value that is worked out when it is first asked for. */
const once = <T>(work: () => T): (() => T) => {
  let done: { value: T } | undefined;
  return () => (done ??= { value: work() }).value;
};

interface TemplateContent {
  canonical: () => string;
  revision: () => Revision;
}

const contentOf = (template: PodTemplate, injection: Injection): TemplateContent => {
  const canonical = once(() => canonicalTemplate(template, injection));
  return { canonical, revision: once(() => revisionOfCanonical(canonical())) };
};

export const changeOf = (
  before: Deployment,
  after: Deployment,
  context: Pick<DeploymentChange, 'settings' | 'injection' | 'mixture'>,
): DeploymentChange => {
  const { injection } = context;
  const held = isHeld(before);
  const stored = contentOf(before.spec.template, injection);
  const requested = contentOf(after.spec.template, injection);
  return {
    ...context,
    before,
    after,
    held,
    pauseRequested: isPaused(after) && !pausedWithin(before, after),
    resumesHold: held && asksToResume(before, after),
    get templateChanged() {
      return stored.canonical() !== requested.canonical();
    },
    get primary() {
      return primaryOf(before, stored);
    },
    get revision() {
      return requested.revision();
    },
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

const primaryOf = (before: Deployment, stored: TemplateContent): Revision | undefined => {
  if (!isPaused(before)) return stored.revision();
  const marked = annotationsOf(before)[PRIMARY_MARK];
  if (marked !== undefined || isHeld(before)) return marked;
  // A pause older than the opt-in: the stored template is the primary's only if its pods are there.
  return isUpdated(before) ? stored.revision() : undefined;
};

/** The Deployment controller has seen the stored template, and pods of it exist. */
const isUpdated = ({ metadata, status }: Deployment): boolean =>
  (status?.updatedReplicas ?? 0) > 0 && (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
