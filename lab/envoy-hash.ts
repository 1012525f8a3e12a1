import type { JsonObject } from '../src/core/objects.ts';
import { durationOf } from './envoy-values.ts';
import type { ConsistentHash, LoadBalancer, TrafficPolicy } from './mesh-objects.ts';
import type { RuleInEffect } from './rule-in-effect.ts';

// How the endpoints of a cluster are chosen among, as a DestinationRule wants it.

/** In effect for a port of a host, or of one of its subsets; the closer setting replaces the wider one. */
export const loadBalancerOf = (
  rule: RuleInEffect | undefined,
  port: number,
  subset: string | undefined,
): LoadBalancer | undefined =>
  ofPolicy(rule?.subsets.find(({ name }) => name === subset)?.trafficPolicy, port) ??
  ofPolicy(rule?.trafficPolicy, port);

const ofPolicy = (policy: TrafficPolicy | undefined, port: number): LoadBalancer | undefined =>
  policy?.portLevelSettings?.find((settings) => settings.port?.number === port)?.loadBalancer ??
  policy?.loadBalancer;

const SIMPLE: Record<string, string> = {
  RANDOM: 'RANDOM',
  ROUND_ROBIN: 'ROUND_ROBIN',
};
const RING_SIZE = 1024;

/** The part of an Envoy cluster. */
export const balancingFields = (loadBalancer: LoadBalancer | undefined): JsonObject => {
  const hash = loadBalancer?.consistentHash;
  if (hash === undefined) return { lb_policy: SIMPLE[loadBalancer?.simple ?? ''] ?? 'LEAST_REQUEST' };
  if (hash.maglev !== undefined) return { lb_policy: 'MAGLEV' };
  const minimum_ring_size = hash.ringHash?.minimumRingSize ?? hash.minimumRingSize ?? RING_SIZE;
  return { lb_policy: 'RING_HASH', ring_hash_lb_config: { minimum_ring_size } };
};

/** What of a request is hashed, as an entry of an Envoy route's `hash_policy`; undefined: nothing is. */
export const hashPolicy = (hash: ConsistentHash | undefined): JsonObject | undefined => {
  if (hash?.httpHeaderName !== undefined) return { header: { header_name: hash.httpHeaderName } };
  if (hash?.httpCookie !== undefined) {
    const { name, path, ttl } = hash.httpCookie;
    return {
      cookie: {
        name,
        ...(path === undefined ? {} : { path }),
        // With a time to live Envoy gives the cookie to clients that come without.
        ...(ttl === undefined ? {} : { ttl: durationOf(ttl) }),
      },
    };
  }
  if (hash?.httpQueryParameterName !== undefined)
    return { query_parameter: { name: hash.httpQueryParameterName } };
  return hash?.useSourceIp === true ? { connection_properties: { source_ip: true } } : undefined;
};
