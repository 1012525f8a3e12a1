import { DEADLINE_REASON, OWN_MESSAGE_PREFIX } from '../core/conditions.ts';
import type { Effect } from '../core/effects.ts';
import { HELD_BY_MARK, PRIMARY, PRIMARY_MARK, RUN_MARK, VERSION_LABEL, WEIGHT_MARK } from '../core/marks.ts';
import { annotationsOf, type Deployment, type PodTemplate } from '../core/objects.ts';
import type { Revision } from '../core/run.ts';
import type { JsonPatchOperation } from '../kube/api.ts';

// The writes to a user's Deployment, as bodies: small, guarded, and of nothing that is not Kanari's.

const pointer = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');
const annotationPath = (key: string): string => `/metadata/annotations/${pointer(key)}`;

/**
 * Unpauses the Deployment. The tests refuse a template, a mark or a pause that changed since it was read: the mark
 * alone would let a template through that nobody analysed.
 */
export const unpausePatch = (
  deployment: Deployment,
  { revision, template }: { revision: Revision; template: PodTemplate },
): JsonPatchOperation[] => {
  const annotations = annotationsOf(deployment);
  const mark = annotations[RUN_MARK];
  const labelled = template.metadata?.labels?.[VERSION_LABEL] === PRIMARY;
  return [
    { op: 'test', path: '/spec/paused', value: true },
    ...(mark === undefined ? [] : [{ op: 'test', path: annotationPath(RUN_MARK), value: mark } as const]),
    { op: 'test', path: '/spec/template', value: template },
    ...(labelled
      ? []
      : [
          {
            op: 'add',
            path: `/spec/template/metadata/labels/${pointer(VERSION_LABEL)}`,
            value: PRIMARY,
          } as const,
        ]),
    { op: 'add', path: annotationPath(PRIMARY_MARK), value: revision },
    ...[RUN_MARK, WEIGHT_MARK, HELD_BY_MARK]
      .filter((key) => key in annotations)
      .map((key) => ({ op: 'remove', path: annotationPath(key) }) as const),
    { op: 'replace', path: '/spec/paused', value: false },
  ];
};

/** Puts back what served in place of the held template, and releases it; refused when anything has changed meanwhile. */
export const restorePatch = (
  deployment: Deployment,
  { revision, template, held }: Extract<Effect, { kind: 'restorePrimary' }>,
): JsonPatchOperation[] => {
  const [paused, ...rest] = unpausePatch(deployment, { revision, template: held });
  const guards = rest.filter(({ op }) => op === 'test');
  const writes = rest.filter(({ op, path }) => op !== 'test' && !path.startsWith('/spec/template'));
  const restored = { op: 'replace', path: '/spec/template', value: template } as const;
  return [...(paused === undefined ? [] : [paused]), ...guards, restored, ...writes];
};

/** Status patch (strategic) with the one condition that makes `kubectl rollout status` exit 1 and survives resyncs. */
export const failedConditionPatch = (message: string, now: string): object => ({
  status: {
    conditions: [
      {
        type: 'Progressing',
        status: 'False',
        reason: DEADLINE_REASON,
        message: `${OWN_MESSAGE_PREFIX}${message}`,
        lastUpdateTime: now,
        lastTransitionTime: now,
      },
    ],
  },
});

/** Status patch (strategic) that removes the failed condition; the Deployment controller writes its own again. */
export const clearConditionPatch = (): object => ({
  status: { conditions: [{ $patch: 'delete', type: 'Progressing' }] },
});

/** Annotations through the status subresource: stored, no new generation, no admission. */
export const weightMarkPatch = (weight: number): object => ({
  metadata: { annotations: { [WEIGHT_MARK]: String(weight) } },
});

/** The same, unless the Deployment has changed: the marks name its template. */
export const marksPatch = (
  { metadata: { resourceVersion } }: Deployment,
  marks: Readonly<Record<string, string | null>>,
): object => ({ metadata: { resourceVersion, annotations: marks } });
