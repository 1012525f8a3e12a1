/**
 * Canary pods for a share of traffic, sized so that each carries no more than a primary pod does.
 * @param primaryReplicas replicas of the user's Deployment
 * @param weight the canary's share in percent, 0–100
 */
export const canaryReplicas = (primaryReplicas: number, weight: number): number =>
  Math.max(1, Math.ceil((primaryReplicas * weight) / 100));
