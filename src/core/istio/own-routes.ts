import type { KubeObject, ObjectMeta, OwnerReference, Service } from '../objects.ts';
import { isOwn, OWN_LABELS } from '../route-change.ts';
import type { DestinationRule } from './destination-rule.ts';
import { hostOf } from './hosts.ts';
import type { VirtualService } from './virtual-service.ts';

// The objects Kanari makes where the user has none. They go with the Deployment that owns them.

const API_VERSION = 'networking.istio.io/v1';

/** Ports that Istio speaks HTTP on, by `appProtocol` or by the prefix of their name; all others may carry bare TCP. */
const HTTP_PROTOCOL = /^(http|http2|grpc|grpc-web|kubernetes\.io\/(h2c|ws))$/;
const HTTP_NAME = /^(http|http2|grpc|grpc-web)(-|$)/;

/** `<service>-kanari`, or the next number's when a foreign object has that name. */
export const ownNameFor = (service: string, existing: readonly KubeObject[]): string => {
  const taken = new Set(existing.filter((object) => !isOwn(object)).map(({ metadata }) => metadata.name));
  const base = `${service}-kanari`;
  let name = base;
  for (let number = 2; taken.has(name); number += 1) name = `${base}-${number}`;
  return name;
};

export interface OwnRoute {
  name: string;
  namespace: string;
  owner: OwnerReference | undefined;
}

const metadataOf = ({ name, namespace, owner }: OwnRoute): ObjectMeta => ({
  name,
  namespace,
  labels: OWN_LABELS,
  ...(owner === undefined ? {} : { ownerReferences: [owner] }),
});

type Port = NonNullable<NonNullable<Service['spec']>['ports']>[number];

const isTcp = ({ protocol = 'TCP' }: Port): boolean => protocol === 'TCP';
const isHttp = ({ name = '', appProtocol }: Port): boolean =>
  appProtocol === undefined ? HTTP_NAME.test(name) : HTTP_PROTOCOL.test(appProtocol);

/** Routes all mesh traffic to the Service, as it goes without it. Never `tls`: connections with other SNIs would break. */
export const ownVirtualService = (route: OwnRoute, service: Service): VirtualService => {
  const host = hostOf(service.metadata.name, route.namespace);
  const streams = (service.spec?.ports ?? []).filter((port) => isTcp(port) && !isHttp(port));
  const tcp = streams.map(({ port }) => ({
    match: [{ port }],
    route: [{ destination: { host, port: { number: port } } }],
  }));
  return {
    apiVersion: API_VERSION,
    kind: 'VirtualService',
    metadata: metadataOf(route),
    spec: {
      hosts: [host],
      gateways: ['mesh'],
      http: [{ route: [{ destination: { host } }] }],
      ...(tcp.length === 0 ? {} : { tcp }),
    },
  };
};

/**
 * Lends subsets to a Service without a rule of its own. A rule for exactly the host replaces any wildcard rule in
 * effect as a whole, so that one's policy and visibility come along.
 */
export const ownDestinationRule = (
  route: OwnRoute,
  service: string,
  inEffect: DestinationRule | undefined,
): DestinationRule => {
  const trafficPolicy = inEffect?.spec['trafficPolicy'];
  const exportTo = inEffect?.spec['exportTo'];
  return {
    apiVersion: API_VERSION,
    kind: 'DestinationRule',
    metadata: metadataOf(route),
    spec: {
      host: hostOf(service, route.namespace),
      ...(trafficPolicy === undefined ? {} : { trafficPolicy }),
      ...(exportTo === undefined ? {} : { exportTo }),
    },
  };
};
