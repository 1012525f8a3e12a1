/**
 * Canary pods for a share of traffic that proxies give it, sized so that each carries no more than a primary pod does.
 * @param primaryReplicas replicas of the user's Deployment
 * @param weight the canary's share in percent, 0–100
 */
export const canaryReplicas = (primaryReplicas: number, weight: number): number =>
  Math.max(1, Math.ceil((primaryReplicas * weight) / 100));

/**
 * The share, in percent, that a canary of this many pods gets where every pod gets as much as the next one. Not rounded.
 */
export const shareByCount = (primaryReplicas: number, canaryPods: number): number =>
  primaryReplicas + canaryPods === 0 ? 0 : (100 * canaryPods) / (primaryReplicas + canaryPods);

/**
 * Canary pods that get as near to a share as a whole number of them can, beside a primary that stays as it is. At most
 * one for each pod of the primary, and so never more than half of the work.
 * @param primaryReplicas replicas of the user's Deployment
 * @param weight the canary's share in percent, 0–100
 */
export const canaryReplicasByCount = (primaryReplicas: number, weight: number): number => {
  if (weight >= 50) return Math.max(1, primaryReplicas);
  const fewer = Math.floor((primaryReplicas * weight) / (100 - weight));
  const offBy = (pods: number): number => Math.abs(shareByCount(primaryReplicas, pods) - weight);
  return Math.max(1, offBy(fewer) <= offBy(fewer + 1) ? fewer : fewer + 1);
};
