import { z } from 'zod';
import type { Outstanding } from '../snapshot.ts';
import type { GatewayRoute } from './route.ts';

// What the implementations of the Gateway API say about a route: a weight counts once every parent works by it.

const parentRef = z.looseObject({
  group: z.string().optional(),
  kind: z.string().optional(),
  namespace: z.string().optional(),
  name: z.string(),
  sectionName: z.string().optional(),
  port: z.number().optional(),
});
type ParentRef = z.infer<typeof parentRef>;

const condition = z.looseObject({
  type: z.string(),
  status: z.string(),
  reason: z.string().optional(),
  message: z.string().optional(),
  observedGeneration: z.number().optional(),
});
type RouteCondition = z.infer<typeof condition>;

const parentStatus = z.looseObject({ parentRef, conditions: z.array(condition).optional() });
const status = z.looseObject({ parents: z.array(parentStatus).optional() });

const NEEDED = ['Accepted', 'ResolvedRefs'] as const;

const keyOf = (ref: ParentRef, route: GatewayRoute): string => {
  const { group = 'gateway.networking.k8s.io', kind = 'Gateway', name, sectionName = '', port = '' } = ref;
  return [group, kind, ref.namespace ?? route.metadata.namespace ?? '', name, sectionName, port].join('/');
};

const parentsOf = (route: GatewayRoute): ParentRef[] =>
  z
    .array(parentRef)
    .catch([])
    .parse(route.spec['parentRefs'] ?? []);

const wordsOf = ({ type, status: is, reason, message }: RouteCondition): string =>
  `${type} is ${is}${reason === undefined ? '' : ` (${reason})`}${message ? `: ${message}` : ''}`;

/** What one implementation has not said yet about the route's current form, or has against it. */
const outstandingAt = (
  conditions: readonly RouteCondition[],
  generation: number,
): Outstanding | undefined => {
  const needed = NEEDED.map((type) => conditions.find((each) => each.type === type));
  const behind = needed.some((each) => each === undefined || (each.observedGeneration ?? 0) < generation);
  if (behind) return { message: `has not taken over generation ${generation} yet`, seen: false };
  const refused = needed.find((each) => each?.status !== 'True');
  return refused === undefined ? undefined : { message: `says that ${wordsOf(refused)}`, seen: true };
};

/**
 * Why the route, as it is stored, is not in effect at every parent; undefined: it is. Several implementations may speak
 * for one parent. One that nobody speaks for passes on no requests: it keeps a weight from counting, not from being taken
 * back.
 */
export const outstandingOf = (route: GatewayRoute): Outstanding | undefined => {
  const generation = route.metadata.generation ?? 0;
  const said = status.safeParse((route as { status?: unknown }).status ?? {});
  const parents = said.success ? (said.data.parents ?? []) : [];
  const found = parentsOf(route).flatMap((ref): Outstanding[] => {
    const name = `${ref.kind ?? 'Gateway'} ${ref.name}`;
    const about = parents.filter((each) => keyOf(each.parentRef, route) === keyOf(ref, route));
    if (about.length === 0) return [{ message: `no implementation speaks for ${name}`, seen: true }];
    return about.flatMap(({ conditions = [] }) => {
      const outstanding = outstandingAt(conditions, generation);
      return outstanding === undefined ? [] : [{ ...outstanding, message: `${name} ${outstanding.message}` }];
    });
  });
  const first = found.find(({ seen }) => !seen) ?? found[0];
  return first && { ...first, message: `${route.kind} ${route.metadata.name}: ${first.message}` };
};
