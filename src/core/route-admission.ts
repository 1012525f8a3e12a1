import jsonPatch, { type Operation } from 'fast-json-patch';
import { SPLIT_ANNOTATION, SPLIT_ORIGIN_ANNOTATION } from './marks.ts';
import { annotationsOf, type KubeObject } from './objects.ts';
import { parseSplits, withSplitAnnotations } from './split-annotation.ts';
import { withSplits } from './split-object.ts';

// The route webhook's decision: whatever a request says about a split route, it is stored split as Kanari wants it,
// and nobody but the user owns a field of its spec.

export interface RouteRequest {
  operation: 'CREATE' | 'UPDATE';
  object: KubeObject;
  /** Undefined at CREATE. */
  oldObject: KubeObject | undefined;
  username: string;
  /** Kanari's own user: the only one whose word about the split counts. */
  ownUsername: string;
}

export interface RouteDecision {
  /** RFC 6902; empty when the request is right as it is. */
  patch: Operation[];
  warnings: string[];
}

const UNTOUCHED: RouteDecision = { patch: [], warnings: [] };

/** A copied object brings its own origin; a PUT that drops the annotations leaves the stored one's to go by. */
const withKnownOrigin = (object: KubeObject, oldObject: KubeObject | undefined): KubeObject => {
  const own = annotationsOf(object)[SPLIT_ORIGIN_ANNOTATION];
  const stored = oldObject && annotationsOf(oldObject)[SPLIT_ORIGIN_ANNOTATION];
  return withSplitAnnotations(object, {
    split: annotationsOf(object)[SPLIT_ANNOTATION],
    origin: own ?? stored,
  });
};

/** Pure and idempotent; touches only routes, subsets and the two annotations of the split. */
export const decideRoute = (request: RouteRequest): RouteDecision => {
  const { object, oldObject } = request;
  const asked = annotationsOf(object)[SPLIT_ANNOTATION];
  const stored = oldObject && annotationsOf(oldObject)[SPLIT_ANNOTATION];
  if (asked === undefined && stored === undefined) return UNTOUCHED;
  const wanted = request.username === request.ownUsername ? asked : stored;

  const parsed = wanted === undefined ? { ok: true as const, splits: {} } : parseSplits(wanted);
  if (!parsed.ok) return { patch: [], warnings: [`kanari: ${parsed.message}`] };
  const derived = withSplits(withKnownOrigin(object, oldObject), parsed.splits);
  if (derived === undefined) return UNTOUCHED;

  const overruled = asked !== undefined && asked !== wanted;
  return {
    patch: jsonPatch.compare(object, derived),
    warnings: overruled
      ? [`kanari: ${SPLIT_ANNOTATION} is written by Kanari only: what the request says is ignored`]
      : [],
  };
};
