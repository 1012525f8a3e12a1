import type { EndpointSlice, JsonObject, Pod, Service, StringMap } from '../src/core/objects.ts';
import { labelsOf } from '../src/core/objects.ts';
import { balancingFields, loadBalancerOf } from './envoy-hash.ts';
import { clusterName, hostOf, tcpPorts } from './mesh-hosts.ts';
import type { EndpointObjects, LoadBalancer } from './mesh-objects.ts';
import { servedAt } from './pod-network.ts';
import type { RuleInEffect } from './rule-in-effect.ts';

// Envoy's clusters (who could answer) and their endpoints (who answers now), one per Service port and subset.

/** One cluster and what its endpoints are chosen by. */
export interface ClusterPlan {
  name: string;
  service: Service;
  portName: string | undefined;
  /** Pods without these labels do not belong; empty: every pod of the Service. */
  labels: StringMap;
  loadBalancer: LoadBalancer | undefined;
}

/** The clusters that istiod would make: each port of each Service, whole and by every subset of the rule in effect. */
export const planClusters = (
  services: readonly Service[],
  ruleFor: (host: string) => RuleInEffect | undefined,
): ClusterPlan[] =>
  services.flatMap((service) => {
    const host = hostOf(service);
    const rule = ruleFor(host);
    return tcpPorts(service).flatMap(({ port, name: portName }) =>
      [{ name: '', labels: {} }, ...(rule?.subsets ?? [])].map(({ name: subset, labels = {} }) => ({
        name: clusterName(host, port, subset),
        service,
        portName,
        labels,
        loadBalancer: loadBalancerOf(rule, port, subset),
      })),
    );
  });

// As istiod sets it: with Envoy's own limits, the breaker and not the pods would answer under load.
const UNLIMITED = 4_294_967_295;

/** The Envoy cluster of a plan; its endpoints come from `endpointsPath`, a file of their own. */
export const envoyCluster = ({ name, loadBalancer }: ClusterPlan, endpointsPath: string): JsonObject => ({
  '@type': 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  name,
  type: 'EDS',
  eds_cluster_config: {
    service_name: name,
    eds_config: { resource_api_version: 'V3', path_config_source: { path: endpointsPath } },
  },
  connect_timeout: '10s',
  ...balancingFields(loadBalancer),
  circuit_breakers: {
    thresholds: [
      {
        max_connections: UNLIMITED,
        max_pending_requests: UNLIMITED,
        max_requests: UNLIMITED,
        max_retries: UNLIMITED,
      },
    ],
  },
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      // Below the 5 s after which Node closes an idle connection: a pod must never hang up on a request just sent.
      common_http_protocol_options: { idle_timeout: '3s' },
      explicit_http_config: { http_protocol_options: {} },
    },
  },
});

/** The endpoints of a plan: ready ones that are not terminating, of pods with the subset's labels. */
export const envoyAssignment = (plan: ClusterPlan, objects: EndpointObjects): JsonObject => {
  const pods = new Map(objects.pods.map((pod) => [`${pod.metadata.namespace}/${pod.metadata.name}`, pod]));
  const addresses = slicesOf(plan.service, objects.endpointSlices).flatMap((slice) =>
    addressesIn(slice, plan, pods),
  );
  return {
    '@type': 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
    cluster_name: plan.name,
    endpoints: [{ lb_endpoints: [...new Set(addresses)].sort().map(lbEndpoint) }],
  };
};

const slicesOf = ({ metadata }: Service, slices: readonly EndpointSlice[]): EndpointSlice[] =>
  slices.filter(
    (slice) =>
      slice.metadata.namespace === metadata.namespace &&
      labelsOf(slice)['kubernetes.io/service-name'] === metadata.name,
  );

const addressesIn = (slice: EndpointSlice, plan: ClusterPlan, pods: Map<string, Pod>): string[] => {
  const port = slice.ports?.find(({ name }) => (name ?? '') === (plan.portName ?? ''))?.port;
  if (port === undefined) return [];
  return (slice.endpoints ?? [])
    .filter(({ conditions }) => (conditions?.ready ?? true) && conditions?.terminating !== true)
    .filter(({ targetRef }) => {
      const pod = pods.get(`${slice.metadata.namespace}/${targetRef?.name}`);
      return hasLabels(pod === undefined ? {} : labelsOf(pod), plan.labels);
    })
    .flatMap(({ addresses }) => addresses.map((address) => `${servedAt(address)}:${port}`));
};

const hasLabels = (labels: StringMap, wanted: StringMap): boolean =>
  Object.entries(wanted).every(([key, value]) => labels[key] === value);

const lbEndpoint = (at: string): JsonObject => {
  const [address = '', port = ''] = at.split(':');
  return { endpoint: { address: { socket_address: { address, port_value: Number(port) } } } };
};
