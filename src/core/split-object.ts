import { isGatewayRoute, limitsOfGatewayRoute, splitGatewayRoute } from './gateway-api/route.ts';
import { isService, splitService } from './gateway-api/service.ts';
import { isDestinationRule, splitDestinationRule } from './istio/destination-rule.ts';
import { isVirtualService, limitsOfVirtualService, splitVirtualService } from './istio/virtual-service.ts';
import { SPLIT_ANNOTATION, SPLIT_ORIGIN_ANNOTATION } from './marks.ts';
import { annotationsOf, type KubeObject } from './objects.ts';
import { sameJson } from './same-json.ts';
import { type SplitEntry, type Splits, splitsOf } from './split-annotation.ts';

// Every kind whose objects carry a split: what each looks like at given splits, none meaning as the user has it.

type SplitOf = (object: KubeObject, splits: Splits) => KubeObject | undefined;

const splitOf =
  <T extends KubeObject>(
    recognises: (object: KubeObject) => object is T,
    split: (object: T, splits: Splits) => T,
  ): SplitOf =>
  (object, splits) =>
    recognises(object) ? split(object, splits) : undefined;

const KINDS: readonly SplitOf[] = [
  splitOf(isVirtualService, splitVirtualService),
  splitOf(isDestinationRule, splitDestinationRule),
  splitOf(isGatewayRoute, splitGatewayRoute),
  splitOf(isService, splitService),
];

/** The object with the given splits; undefined for what is no such object, or has a shape that can't be read. */
export const withSplits = (object: KubeObject, splits: Splits): KubeObject | undefined => {
  for (const split of KINDS) {
    const changed = split(object, splits);
    if (changed !== undefined) return changed;
  }
  return undefined;
};

/** The object as it has to be stored with one Deployment's entry in its split, undefined meaning without. */
export const withEntry = <T extends KubeObject>(
  object: T,
  name: string,
  entry: SplitEntry | undefined,
): T => {
  const { [name]: _, ...others } = splitsOf(object);
  const splits = entry === undefined ? others : { ...others, [name]: entry };
  return (withSplits(object, splits) as T | undefined) ?? object;
};

/** Whether the Deployment has an entry in the object's split. */
export const carriesEntry = (object: KubeObject, name: string): boolean =>
  Object.hasOwn(splitsOf(object), name);

/** Equal in all that Kanari ever writes. */
export const standsAs = (object: KubeObject & { spec?: unknown }, wanted: typeof object): boolean =>
  sameJson(object.spec, wanted.spec) &&
  [SPLIT_ANNOTATION, SPLIT_ORIGIN_ANNOTATION].every(
    (name) => annotationsOf(object)[name] === annotationsOf(wanted)[name],
  );

/** What of its splits the object has no room or no words for, a line each: there it is split by weight alone. */
export const limitsOf = (object: KubeObject): string[] => {
  if (isVirtualService(object)) return limitsOfVirtualService(object, splitsOf(object));
  return isGatewayRoute(object) ? limitsOfGatewayRoute(object, splitsOf(object)) : [];
};
