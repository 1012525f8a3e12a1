import type { Service } from '../src/core/objects.ts';
import { fullHost, hostFit, hostOf } from './mesh-hosts.ts';
import type { DestinationRule, MeshClient, Subset, TrafficPolicy } from './mesh-objects.ts';
import { isVisible } from './rule-visibility.ts';

// The DestinationRule that a client's proxy obeys for a Service: istiod looks in three namespaces and stops at the first
// that has one.

const ROOT_NAMESPACE = 'istio-system';

/** What the rules for one host say together. */
export interface RuleInEffect {
  subsets: readonly Subset[];
  trafficPolicy: TrafficPolicy | undefined;
}

/** @param rules oldest first */
export const ruleInEffect = (
  service: Service,
  client: MeshClient,
  rules: readonly DestinationRule[],
): RuleInEffect | undefined => {
  const home = service.metadata.namespace ?? 'default';
  for (const namespace of [client.namespace, home, ROOT_NAMESPACE]) {
    const there = rules.filter(
      ({ metadata, spec }) =>
        (metadata.namespace ?? 'default') === namespace &&
        isVisible(spec.exportTo, namespace, client.namespace),
    );
    const found = closestTo(hostOf(service), there);
    if (found.length > 0) return select(merge(found), client);
  }
  return undefined;
};

const closestTo = (host: string, rules: readonly DestinationRule[]): DestinationRule[] => {
  const fits = rules.map(({ metadata, spec }) =>
    hostFit(fullHost(spec.host, metadata.namespace ?? 'default'), host),
  );
  const best = Math.max(0, ...fits);
  return best === 0 ? [] : rules.filter((_, index) => fits[index] === best);
};

interface Merged extends RuleInEffect {
  key: string;
  first: DestinationRule;
}

// Rules for one host are one rule if they are for the same namespaces and workloads. Of two subsets of one name, and of
// two policies, the older counts.
const merge = (rules: readonly DestinationRule[]): Merged[] => {
  const merged = new Map<string, Merged>();
  for (const rule of rules) {
    const { exportTo = [], workloadSelector, subsets = [], trafficPolicy } = rule.spec;
    const key = JSON.stringify([[...exportTo].sort(), workloadSelector?.matchLabels ?? null]);
    const known = merged.get(key) ?? { key, first: rule, subsets: [], trafficPolicy: undefined };
    const names = new Set(known.subsets.map(({ name }) => name));
    merged.set(key, {
      ...known,
      subsets: [...known.subsets, ...subsets.filter(({ name }) => !names.has(name))],
      trafficPolicy: known.trafficPolicy ?? trafficPolicy,
    });
  }
  return [...merged.values()];
};

// A rule for the client's own workload comes first. Of rules that could not be merged the youngest counts, alone.
const select = (merged: readonly Merged[], client: MeshClient): RuleInEffect | undefined => {
  const own = merged.find(({ first: { metadata, spec } }) => {
    const wanted = spec.workloadSelector?.matchLabels;
    return (
      wanted !== undefined &&
      metadata.namespace === client.namespace &&
      Object.entries(wanted).every(([name, value]) => client.labels?.[name] === value)
    );
  });
  return own ?? merged.filter(({ first }) => first.spec.workloadSelector === undefined).at(-1);
};
