import type { JsonObject } from '../src/core/objects.ts';
import { fractionOf } from './envoy-values.ts';
import type { HttpRoute, Percent } from './http-route.ts';
import type { Destination } from './mesh-objects.ts';

// Copies of requests: sent with `-shadow` after the host, their answers thrown away.

const EVERY: Percent = { value: 100 };

/** The part of an Envoy route action. A percentage of 0 means none, an absent one all. */
export const mirrorFields = (
  { mirror, mirrorPercentage, mirrors = [] }: HttpRoute,
  clusterOf: (to: Destination) => string,
): JsonObject => {
  const single = mirror === undefined ? [] : [{ destination: mirror, percentage: mirrorPercentage }];
  const policies = [...single, ...mirrors]
    .map(({ destination, percentage = EVERY }) => ({ destination, percentage }))
    .filter(({ percentage }) => (percentage.value ?? 0) > 0)
    .map(({ destination, percentage }) => ({
      cluster: clusterOf(destination),
      runtime_fraction: { default_value: fractionOf(percentage) },
    }));
  return policies.length === 0 ? {} : { request_mirror_policies: policies };
};
