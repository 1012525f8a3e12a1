import type { KubeObject } from '../objects.ts';

const ageKey = ({ metadata }: KubeObject): string => `${metadata.creationTimestamp ?? ''} ${metadata.name}`;

/** As Istio ranks objects that are in each other's way: the oldest first, those of one second by name. */
export const byAge = (left: KubeObject, right: KubeObject): number => (ageKey(left) < ageKey(right) ? -1 : 1);
