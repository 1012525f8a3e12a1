import { z } from 'zod';
import type { JsonObject, KubeObject } from '../objects.ts';
import { formatSplits, originOf, type Splits, withSplitAnnotations } from '../split-annotation.ts';
import { listOrigins, originsOf, type SplitList } from '../split-list.ts';
import { isPinned } from './pinned-matches.ts';
import {
  collapseRoute,
  type Destination,
  type Route,
  type SplitContext,
  type SplitRoute,
  splitHttp,
  splitStream,
} from './split-route.ts';

// A user's VirtualService, split and given back. Only destinations to split hosts and the weights beside them change,
// unless a share has more than a weight: then there are copies of requests, a cookie, and routes of Kanari's own.

export interface VirtualService extends KubeObject {
  spec: JsonObject & {
    hosts?: string[];
    gateways?: string[];
    http?: Route[];
    tcp?: Route[];
    tls?: Route[];
  };
}

const destination = z.looseObject({ host: z.string(), subset: z.string().optional() });
const values = z.record(z.string(), z.looseObject({})).optional();
const match = z.looseObject({ name: z.string().optional(), headers: values, queryParams: values });
const routes = z.array(
  z.looseObject({
    match: z.array(match).optional(),
    route: z.array(z.looseObject({ destination, weight: z.int().optional() })).optional(),
    mirror: destination.optional(),
    mirrors: z.array(z.looseObject({ destination })).optional(),
  }),
);
const shape = z.looseObject({
  metadata: z.looseObject({ annotations: z.record(z.string(), z.string()).optional() }),
  spec: z.looseObject({
    hosts: z.array(z.string()).optional(),
    gateways: z.array(z.string()).optional(),
    http: routes.optional(),
    tcp: routes.optional(),
    tls: routes.optional(),
  }),
});

/** Admission comes before the API server's own validation: what has another shape is for it to refuse. */
export const isVirtualService = (object: KubeObject): object is VirtualService =>
  object.kind === 'VirtualService' && shape.safeParse(object).success;

const PROTOCOLS = ['http', 'tcp', 'tls'] as const;

type ChangeRoute = (route: Route, place: string) => Route[];

/** Changes every route; its place, e.g. `http/0`, tells it apart. */
const mapRoutes = (
  object: VirtualService,
  changes: { http: ChangeRoute; stream: ChangeRoute },
): VirtualService => {
  const spec = { ...object.spec };
  for (const protocol of PROTOCOLS) {
    const list = spec[protocol];
    if (list === undefined) continue;
    const change = protocol === 'http' ? changes.http : changes.stream;
    spec[protocol] = list.flatMap((route, index) => change(route, `${protocol}/${index}`));
  }
  return { ...object, spec };
};

/** Every destination of the object, mirrors included. */
export const destinationsOf = (object: VirtualService): Destination[] =>
  PROTOCOLS.flatMap((protocol) => object.spec[protocol] ?? []).flatMap((route) => [
    ...(route.route ?? []).map((each) => each.destination),
    ...(route.mirror === undefined ? [] : [route.mirror]),
    ...(route.mirrors ?? []).map((each) => each.destination),
  ]);

/** Without the routes that are nobody's but Kanari's. */
const withoutPinned = (object: VirtualService): VirtualService => {
  const { http } = object.spec;
  return http?.some(isPinned) === true
    ? { ...object, spec: { ...object.spec, http: http.filter((route) => !isPinned(route)) } }
    : object;
};

/** Gives the object back exactly as the user has it, its annotations included. An unsplit one stays equal. */
export const restoreVirtualService = (object: VirtualService): VirtualService => {
  const parsed = listOrigins.safeParse(originOf(object));
  const origins = parsed.success ? parsed.data : {};
  const collapse: ChangeRoute = (route, place) => [collapseRoute(route, { origins, place })];
  const collapsed = mapRoutes(withoutPinned(object), { http: collapse, stream: collapse });
  return withSplitAnnotations(collapsed, { split: undefined, origin: undefined });
};

/** What has become of the user's object, and of each of its routes by place. */
const splitRoutes = (
  user: VirtualService,
  splits: Splits,
): { object: VirtualService; found: ReadonlyMap<string, SplitRoute> } => {
  const context: SplitContext = { splits, namespace: user.metadata.namespace ?? '' };
  const found = new Map<string, SplitRoute>();
  const by =
    (split: typeof splitHttp): ChangeRoute =>
    (route, place) => {
      const changed = split(route, place, context);
      found.set(place, changed);
      return changed.routes;
    };
  return { object: mapRoutes(user, { http: by(splitHttp), stream: by(splitStream) }), found };
};

/**
 * Splits every destination to a Service of `splits`, whatever split the object had before. Nothing else changes, and
 * `restoreVirtualService` undoes it exactly. Destinations that name a subset which no entry lists are left alone.
 */
export const splitVirtualService = (object: VirtualService, splits: Splits): VirtualService => {
  const user = restoreVirtualService(object);
  if (Object.keys(splits).length === 0) return user;
  const { object: changed, found } = splitRoutes(user, splits);
  const lists = new Map<string, SplitList<unknown>>(
    [...found.values()].flatMap(({ lists: each }) => [...each]),
  );
  const origins = originsOf(lists);
  const origin = Object.keys(origins).length === 0 ? undefined : JSON.stringify(origins);
  return withSplitAnnotations(changed, { split: formatSplits(splits), origin });
};

/** What of the splits the object's routes can't carry, a line each: there they stand by weight alone. */
export const limitsOfVirtualService = (object: VirtualService, splits: Splits): string[] =>
  [...splitRoutes(restoreVirtualService(object), splits).found].flatMap(([place, { limit }]) =>
    limit === undefined ? [] : [`VirtualService ${object.metadata.name}, ${place}: ${limit}`],
  );
