import type { Service } from '../src/core/objects.ts';

// How Istio's objects name a Service: the short name, `name.namespace`, with `.svc`, or in full.

const SUFFIX = 'svc.cluster.local';

export const hostOf = (service: Service): string =>
  `${service.metadata.name}.${service.metadata.namespace ?? 'default'}.${SUFFIX}`;

/** The full name of a host as an object of `namespace` spells it. Wildcards and foreign hosts stay as they are. */
export const fullHost = (host: string, namespace: string): string => {
  if (host.startsWith('*')) return host;
  const labels = host.split('.');
  if (labels.length === 1) return `${host}.${namespace}.${SUFFIX}`;
  if (labels.length === 2) return `${host}.${SUFFIX}`;
  if (labels.length === 3 && labels[2] === 'svc') return `${host}.cluster.local`;
  return host;
};

/** How closely a full or wildcard host fits: 0 not at all, higher is closer. */
export const hostFit = (pattern: string, host: string): number => {
  if (pattern === host) return Number.MAX_SAFE_INTEGER;
  if (pattern === '*') return 1;
  return pattern.startsWith('*.') && host.endsWith(pattern.slice(1)) ? pattern.length : 0;
};

/** Every name under which clients of a namespace ask for a Service, the fullest first; the short one is theirs alone. */
export const spellings = (service: Service, from: string): string[] => {
  const { name, namespace = 'default' } = service.metadata;
  const qualified = [hostOf(service), `${name}.${namespace}.svc`, `${name}.${namespace}`];
  return namespace === from ? [...qualified, name] : qualified;
};

/** Envoy's name for the pods of a Service's port and subset, as istiod builds it. */
export const clusterName = (host: string, port: number, subset = ''): string =>
  `outbound|${port}|${subset}|${host}`;

type ServicePort = NonNullable<NonNullable<Service['spec']>['ports']>[number];

/** Ports over TCP; those of Services that select nothing in the cluster (ExternalName) have none here. */
export const tcpPorts = (service: Service): ServicePort[] =>
  (service.spec?.ports ?? []).filter(({ protocol = 'TCP' }) => protocol === 'TCP');

const PLAIN = new Set(['tcp', 'mongo', 'mysql', 'redis']);
const ENCRYPTED = new Set(['tls', 'https']);

/**
 * What a port speaks, by its `appProtocol` or the first word of its name. Where Istio would look at the first bytes,
 * it is HTTP here.
 */
export const protocolOf = ({ name = '', appProtocol }: ServicePort): 'http' | 'tcp' | 'tls' => {
  const word = (appProtocol ?? name.split('-')[0] ?? '').toLowerCase();
  if (PLAIN.has(word)) return 'tcp';
  return ENCRYPTED.has(word) ? 'tls' : 'http';
};
