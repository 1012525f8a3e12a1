import { z } from 'zod';
import { CANARY, PRIMARY, VERSION_LABEL } from '../marks.ts';
import type { JsonObject, KubeObject, StringMap } from '../objects.ts';
import { formatSplits, originOf, type Splits, withSplitAnnotations } from '../split-annotation.ts';
import type { Side } from '../traffic-split.ts';
import { namesService } from './hosts.ts';
import { parseSubset, subsetOf } from './subsets.ts';

// A user's DestinationRule, lent two subsets by which the primary's and the canary's pods are addressed apart.

type Subset = JsonObject & { name: string; labels?: StringMap };

export interface DestinationRule extends KubeObject {
  spec: JsonObject & { host: string; subsets?: Subset[] };
}

const shape = z.looseObject({
  metadata: z.looseObject({ annotations: z.record(z.string(), z.string()).optional() }),
  spec: z.looseObject({
    host: z.string(),
    subsets: z
      .array(z.looseObject({ name: z.string(), labels: z.record(z.string(), z.string()).optional() }))
      .optional(),
  }),
});

/** Admission comes before the API server's own validation: what has another shape is for it to refuse. */
export const isDestinationRule = (object: KubeObject): object is DestinationRule =>
  object.kind === 'DestinationRule' && shape.safeParse(object).success;

/** Remembers `subsets: []`, which else would come back as no subsets at all. */
const emptySubsets = z.object({ subsets: z.array(z.never()).length(0) });

/** A side of the whole host, or of one of the user's subsets with whatever policy that one has. */
const lentSubset = (side: Side, of: Subset | undefined): Subset => ({
  ...of,
  name: subsetOf(side, of?.name),
  labels: { ...of?.labels, [VERSION_LABEL]: side },
});

/** The user's own subsets. */
export const userSubsetsOf = (rule: DestinationRule): Subset[] =>
  (rule.spec.subsets ?? []).filter(({ name }) => parseSubset(name) === undefined);

/** Whether pods with these labels belong to a subset. */
export const selectsPods = ({ labels = {} }: Subset, podLabels: StringMap): boolean =>
  Object.entries(labels).every(([key, value]) => podLabels[key] === value);

/** Gives the rule back exactly as the user has it, its annotations included. */
export const restoreDestinationRule = (rule: DestinationRule): DestinationRule => {
  const { subsets, ...spec } = rule.spec;
  const users = userSubsetsOf(rule);
  const lentOnly = users.length === 0 && subsets !== undefined && subsets.length > 0;
  const absent = subsets === undefined || (lentOnly && !emptySubsets.safeParse(originOf(rule)).success);
  return withSplitAnnotations(
    { ...rule, spec: absent ? spec : { ...spec, subsets: users } },
    { split: undefined, origin: undefined },
  );
};

/** Adds the subsets of every entry of `splits` that names the rule's host; weights play no part here. */
export const splitDestinationRule = (rule: DestinationRule, splits: Splits): DestinationRule => {
  const user = restoreDestinationRule(rule);
  if (Object.keys(splits).length === 0) return user;
  const namespace = rule.metadata.namespace ?? '';
  const mine = Object.values(splits).find(({ services }) =>
    services.some((service) => namesService(rule.spec.host, service, namespace)),
  );
  if (mine === undefined) {
    return withSplitAnnotations(user, { split: formatSplits(splits), origin: undefined });
  }
  const users = userSubsetsOf(user);
  const divided = [undefined, ...users.filter(({ name }) => mine.subsets?.includes(name))];
  const lent = divided.flatMap((of) => [lentSubset(PRIMARY, of), lentSubset(CANARY, of)]);
  const wasEmpty = user.spec.subsets?.length === 0;
  return withSplitAnnotations(
    { ...user, spec: { ...user.spec, subsets: [...users, ...lent] } },
    { split: formatSplits(splits), origin: wasEmpty ? JSON.stringify({ subsets: [] }) : undefined },
  );
};
