import type { KubeObject } from './objects.ts';
import { sameJson } from './same-json.ts';
import { shareOf } from './share.ts';
import type { TrafficState } from './snapshot.ts';
import { splitsOf } from './split-annotation.ts';
import { limitsOf } from './split-object.ts';

/** Whether the Deployment asks the object for more than a weight. */
const isAskedForMore = (object: KubeObject, name: string): boolean => {
  const entry = splitsOf(object)[name];
  return entry !== undefined && !sameJson(shareOf(entry), { weight: entry.weight });
};

/** Routes that can't carry what of a Deployment's share is more than a weight, and so stand by weight alone. */
export const shareObstacle = (objects: readonly KubeObject[], name: string): TrafficState['obstacle'] => {
  const limits = objects.filter((object) => isAskedForMore(object, name)).flatMap(limitsOf);
  return limits.length === 0
    ? undefined
    : { reason: 'TrafficUnsupported', message: `${limits.join('; ')}; the run waits` };
};
