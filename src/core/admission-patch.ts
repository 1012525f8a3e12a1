import jsonpatch from 'fast-json-patch';
import { MARKS } from './marks.ts';
import type { Deployment, PodTemplate, StringMap } from './objects.ts';

/** RFC 6902. */
export interface AdmissionPatchOperation {
  op: 'add' | 'remove' | 'replace';
  path: string;
  value?: unknown;
}

/** All that admission decides about a Deployment; nothing else of it is ever touched. */
export interface AdmittedState {
  paused: boolean;
  /** A mark that is missing here is removed. */
  marks: Partial<Record<(typeof MARKS)[number], string>>;
  template: PodTemplate;
  /** Undefined: as requested. */
  revisionHistoryLimit?: number;
}

/** What leads from the requested object to the admitted one; empty when they agree. */
export const patchFor = (requested: Deployment, state: AdmittedState): AdmissionPatchOperation[] =>
  // The two share every part that is not changed, and the comparison passes over what is shared.
  jsonpatch.compare(requested, admitted(requested, state)) as AdmissionPatchOperation[];

const admitted = (requested: Deployment, state: AdmittedState): Deployment => {
  const { metadata, spec } = requested;
  const annotations = withMarks(metadata.annotations, state.marks);
  return {
    ...requested,
    metadata: annotations === undefined ? metadata : { ...metadata, annotations },
    spec: {
      ...spec,
      template: state.template,
      // The API server leaves out `paused: false`; adding it would be a change of nothing.
      ...((spec.paused ?? false) === state.paused ? {} : { paused: state.paused }),
      ...(state.revisionHistoryLimit === undefined
        ? {}
        : { revisionHistoryLimit: state.revisionHistoryLimit }),
    },
  };
};

const withMarks = (
  annotations: StringMap | undefined,
  marks: AdmittedState['marks'],
): StringMap | undefined => {
  if (MARKS.every((mark) => annotations?.[mark] === marks[mark])) return annotations;
  const others = Object.entries(annotations ?? {}).filter(([name]) => !MARKS.some((mark) => mark === name));
  const set = MARKS.flatMap((mark) => (marks[mark] === undefined ? [] : [[mark, marks[mark]] as const]));
  return Object.fromEntries([...others, ...set]);
};
