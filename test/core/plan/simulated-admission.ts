import { inject } from '../../../src/core/injection.ts';
import {
  HELD_BY_MARK,
  PRIMARY,
  PRIMARY_MARK,
  RUN_MARK,
  VERSION_LABEL,
  WEIGHT_MARK,
} from '../../../src/core/marks.ts';
import {
  annotationsOf,
  type Deployment,
  type PodTemplate,
  type StringMap,
} from '../../../src/core/objects.ts';
import { revisionOf } from '../../../src/core/revision.ts';
import type { Injection } from '../../../src/core/snapshot.ts';

// What is stored of the Deployment `web` when somebody writes to it: with admission, with the failsafe alone, with neither.

/** The settings of its user. */
export const ANNOTATIONS = {
  'kanari.dev/steps': '20,50',
  'kanari.dev/interval': '5s',
  'kanari.dev/threshold': '2',
};

export const templateOf = (tag: string): PodTemplate => ({
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'web', image: `web:${tag}` }] },
});

interface Change {
  annotations?: StringMap;
  template?: PodTemplate;
  paused?: boolean;
}

const changed = (deployment: Deployment, { annotations, ...spec }: Change): Deployment => ({
  ...deployment,
  metadata: {
    ...deployment.metadata,
    generation: (deployment.metadata.generation ?? 0) + 1,
    ...(annotations === undefined ? {} : { annotations }),
  },
  spec: { ...deployment.spec, ...spec },
});

/** Null takes a mark away. A write of metadata alone: the generation stays. */
export const withMarks = (
  deployment: Deployment,
  marks: Readonly<Record<string, string | null>>,
): Deployment => {
  const merged = Object.entries({ ...deployment.metadata.annotations, ...marks });
  const annotations = Object.fromEntries(
    merged.filter((entry): entry is [string, string] => entry[1] !== null),
  );
  return { ...deployment, metadata: { ...deployment.metadata, annotations } };
};

/** What admission does with a changed template. */
export const heldByWebhook = (deployment: Deployment, tag: string, injection: Injection): Deployment => {
  const template = inject(templateOf(tag), injection);
  const marks = {
    [RUN_MARK]: revisionOf(template, injection),
    [PRIMARY_MARK]:
      annotationsOf(deployment)[PRIMARY_MARK] ?? revisionOf(deployment.spec.template, injection),
    [WEIGHT_MARK]: '0',
    [HELD_BY_MARK]: 'webhook',
  };
  const annotations = { ...annotationsOf(deployment), ...marks };
  return changed(deployment, { annotations, template, paused: true });
};

/** What the failsafe does with a changed template while no webhook answers: revisions are beyond it. */
export const heldByFailsafe = (deployment: Deployment, tag: string): Deployment => {
  const { [PRIMARY_MARK]: primary } = annotationsOf(deployment);
  const known = deployment.spec.paused === true && primary !== undefined;
  const released = releasedByFailsafe(deployment, tag);
  const marks = { [HELD_BY_MARK]: 'failsafe', ...(known ? { [PRIMARY_MARK]: primary } : {}) };
  return changed(released, { annotations: { ...annotationsOf(released), ...marks }, paused: true });
};

/** What the failsafe does with a template that can't wait, while no webhook answers. */
export const releasedByFailsafe = (deployment: Deployment, tag: string): Deployment => {
  const { metadata, ...template } = templateOf(tag);
  const labels = { ...metadata?.labels, [VERSION_LABEL]: PRIMARY };
  const bare = withMarks(deployment, { [RUN_MARK]: null, [PRIMARY_MARK]: null, [HELD_BY_MARK]: null });
  return changed(bare, { template: { metadata: { labels }, ...template }, paused: false });
};

/** What the failsafe does with a resume while no webhook answers. */
export const resumedUnderFailsafe = (deployment: Deployment): Deployment => {
  if (deployment.spec.paused !== true) return deployment;
  return changed(deployment, { annotations: { ...annotationsOf(deployment), [HELD_BY_MARK]: 'failsafe' } });
};

/** A template that the API server stores while no admission of Kanari's is there; a client's PUT drops the marks. */
export const slipped = (deployment: Deployment, tag: string, how: 'patch' | 'put'): Deployment =>
  changed(deployment, {
    annotations: how === 'put' ? { ...ANNOTATIONS } : annotationsOf(deployment),
    template: templateOf(tag),
    paused: false,
  });

/** What admission does when it lets a template out of no hold. */
export const letThrough = (deployment: Deployment, tag: string, injection: Injection): Deployment => {
  const template = inject(templateOf(tag), injection);
  const annotations = { ...annotationsOf(deployment), [PRIMARY_MARK]: revisionOf(template, injection) };
  return changed(deployment, { annotations, template, paused: false });
};

/** The end of a hold: what was held is let out. */
export const unpaused = (deployment: Deployment, revision: string): Deployment => {
  if (deployment.spec.paused !== true) return deployment;
  const marks = { [RUN_MARK]: null, [WEIGHT_MARK]: null, [HELD_BY_MARK]: null, [PRIMARY_MARK]: revision };
  return changed(withMarks(deployment, marks), { paused: false });
};
