import type { JsonObject } from '../src/core/objects.ts';
import { durationOf } from './envoy-values.ts';
import type { Retries } from './http-route.ts';

// istiod's own conditions: since 1.24 without 503, which a pod may have answered after it has acted.
const CONDITIONS = 'connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes';
const ATTEMPTS = 2;

// Never twice to the pod that just failed, unless there is no other.
const OTHER_HOSTS: JsonObject = {
  retry_host_predicate: [
    {
      name: 'envoy.retry_host_predicates.previous_hosts',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate',
      },
    },
  ],
};

/**
 * The retry policy of an Envoy route; undefined for none. A route without one of its own has the mesh's default.
 * @param pinned the route hashes consistently: then a retry goes to the same pod
 */
export const retryPolicy = (retries: Retries | undefined, pinned = false): JsonObject | undefined => {
  const { attempts = 0, perTryTimeout, retryOn = '' } = retries ?? { attempts: ATTEMPTS };
  if (attempts <= 0) return undefined;
  return {
    num_retries: attempts,
    host_selection_retry_max_attempts: '5',
    ...(pinned ? {} : OTHER_HOSTS),
    ...(retryOn === '' ? { retry_on: CONDITIONS } : conditionsOf(retryOn)),
    ...(perTryTimeout === undefined ? {} : { per_try_timeout: durationOf(perTryTimeout) }),
  };
};

// Istio's list mixes Envoy's conditions with status codes.
const conditionsOf = (retryOn: string): JsonObject => {
  const words = retryOn.split(',').map((word) => word.trim());
  const codes = words.filter((word) => /^\d+$/.test(word)).map(Number);
  const conditions = new Set(words.filter((word) => word !== '' && !/^\d+$/.test(word)));
  if (codes.length === 0) return { retry_on: [...conditions].join(',') };
  return {
    retry_on: [...conditions.add('retriable-status-codes')].join(','),
    retriable_status_codes: codes,
  };
};
