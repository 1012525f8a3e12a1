// How Istio's objects name a Service of their own namespace.

const CLUSTER_DOMAIN = 'cluster.local';

/** The fully qualified host, the one spelling that means the same everywhere. */
export const hostOf = (service: string, namespace: string): string =>
  `${service}.${namespace}.svc.${CLUSTER_DOMAIN}`;

/** Whether a host, in any spelling, means the Service. */
export const namesService = (host: string, service: string, namespace: string): boolean =>
  host === service ||
  host === `${service}.${namespace}` ||
  host === `${service}.${namespace}.svc` ||
  host === hostOf(service, namespace);

/** Whether a host, in any spelling or with a leading wildcard, includes the Service. */
export const includesService = (host: string, service: string, namespace: string): boolean =>
  host.startsWith('*')
    ? hostOf(service, namespace).endsWith(host.slice(1))
    : namesService(host, service, namespace);
