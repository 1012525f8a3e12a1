import { CANARY } from '../marks.ts';
import type { JsonObject } from '../objects.ts';
import type { Destination } from './split-route.ts';
import { parseSubset } from './subsets.ts';

// Copies of a route's requests for the canary, beside those that the user has made. A route has one `mirror` or a list
// of `mirrors`, never both, so the user's one goes into the list for the time; then ours stand before it.

type MirrorPolicy = JsonObject & { destination: Destination; percentage?: { value: number } };
type Mirrored = JsonObject & {
  mirror?: Destination;
  mirrorPercentage?: { value: number };
  mirrorPercent?: number;
  mirrors?: MirrorPolicy[];
};

/** Of a destination, the percentage of the route's requests, above 0. */
export interface CanaryMirror {
  destination: Destination;
  percent: number;
}

/** Adds the copies. `mirrorPercentage` stays where it is: without `mirror` it says nothing. */
export const withCanaryMirrors = <T extends Mirrored>(route: T, copies: readonly CanaryMirror[]): T => {
  if (copies.length === 0) return route;
  const ours = copies.map(({ destination, percent }) => ({ destination, percentage: { value: percent } }));
  const { mirror, ...rest } = route;
  if (mirror === undefined) return { ...route, mirrors: [...(route.mirrors ?? []), ...ours] };
  const stated = route.mirrorPercent === undefined ? undefined : { value: route.mirrorPercent };
  const percentage = route.mirrorPercentage ?? stated;
  const user = { destination: mirror, ...(percentage === undefined ? {} : { percentage }) };
  return { ...(rest as T), mirrors: [...ours, user, ...(route.mirrors ?? [])] };
};

const isOurs = ({ destination }: MirrorPolicy): boolean => parseSubset(destination.subset)?.side === CANARY;

/** Takes them out. @param wasListed whether the user had a list, if only an empty one */
export const withoutCanaryMirrors = <T extends Mirrored>(route: T, wasListed: boolean): T => {
  const { mirrors = [], ...rest } = route;
  const users = mirrors.filter((each) => !isOurs(each));
  if (users.length === mirrors.length) return route;
  const [first, ...others] = users;
  const hadOne = first !== undefined && mirrors[0] !== undefined && isOurs(mirrors[0]);
  const list = hadOne ? others : users;
  return {
    ...(rest as T),
    ...(hadOne ? { mirror: first.destination } : {}),
    ...(list.length > 0 || wasListed ? { mirrors: list } : {}),
  };
};
