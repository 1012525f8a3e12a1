import type { JsonObject } from '../src/core/objects.ts';
import { durationOf, fractionOf } from './envoy-values.ts';
import type { Fault } from './http-route.ts';

const FAULT = 'envoy.filters.http.fault';
const TYPE = 'type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault';

/** Does nothing by itself: routes say what it injects. */
export const FAULT_FILTER: JsonObject = { name: FAULT, typed_config: { '@type': TYPE } };

/** The part of an Envoy route. */
export const faultFields = (fault: Fault | undefined): JsonObject => {
  if (fault === undefined) return {};
  const { delay, abort } = fault;
  const filter: JsonObject = {
    '@type': TYPE,
    ...(delay === undefined
      ? {}
      : {
          delay: {
            fixed_delay: durationOf(delay.fixedDelay),
            percentage: fractionOf(delay.percentage ?? {}),
          },
        }),
    ...(abort === undefined
      ? {}
      : { abort: { http_status: abort.httpStatus, percentage: fractionOf(abort.percentage ?? {}) } }),
  };
  return { typed_per_filter_config: { [FAULT]: filter } };
};
