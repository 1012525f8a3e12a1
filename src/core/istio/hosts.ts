// How Istio's objects name a Service of their own namespace.

const CLUSTER_DOMAIN = 'cluster.local';

/** The fully qualified host, the one spelling that means the same everywhere. */
export const hostOf = (service: string, namespace: string): string =>
  `${service}.${namespace}.svc.${CLUSTER_DOMAIN}`;

/**
 * A host as Istio reads it in an object of the namespace: it completes a name without a dot, and takes all others for
 * complete. `web.shop` is a host of its own to it, not the Service that DNS finds by it.
 */
export const fullHost = (host: string, namespace: string): string =>
  host === '*' || host.includes('.') ? host : hostOf(host, namespace);

/** Whether a host, in any spelling that DNS knows, means the Service. */
export const namesService = (host: string, service: string, namespace: string): boolean =>
  host === service ||
  host === `${service}.${namespace}` ||
  host === `${service}.${namespace}.svc` ||
  host === hostOf(service, namespace);

export const isWildcard = (host: string): boolean => host.startsWith('*');

/** Whether Istio applies a wildcard to the fully qualified host. */
export const fitsWildcard = (wildcard: string, host: string): boolean =>
  isWildcard(wildcard) && host.endsWith(wildcard.slice(1));

/** Whether Istio applies an object of the namespace that names a host to another, fully qualified one. */
export const appliesTo = (named: string, namespace: string, host: string): boolean => {
  const full = fullHost(named, namespace);
  return full === host || fitsWildcard(full, host);
};

/** Whether a host, in any spelling or with a leading wildcard, includes the Service. */
export const includesService = (host: string, service: string, namespace: string): boolean =>
  fitsWildcard(host, hostOf(service, namespace)) || namesService(host, service, namespace);
