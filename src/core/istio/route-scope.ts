import { includesService, namesService } from './hosts.ts';
import { parseSubset } from './subsets.ts';
import { destinationsOf, type VirtualService } from './virtual-service.ts';

// Which of a namespace's objects concern a Service.

export const MESH = 'mesh';

/** Whether a route or a mirror of the object leads to one of the Services. */
export const routesTo = (object: VirtualService, services: readonly string[]): boolean =>
  destinationsOf(object).some(({ host }) => isOneOf(host, services, object.metadata.namespace ?? ''));

/** Whether sidecars obey the object, and not gateways only. */
export const bindsMesh = ({ spec: { gateways = [] } }: VirtualService): boolean =>
  gateways.length === 0 || gateways.includes(MESH);

/** Whether the object decides where sidecars send requests for the Service. */
export const coversMesh = (object: VirtualService, service: string): boolean =>
  bindsMesh(object) &&
  (object.spec.hosts ?? []).some((host) => includesService(host, service, object.metadata.namespace ?? ''));

/** Whether a destination to one of the Services names a subset of the user's. */
export const namesUserSubset = (object: VirtualService, services: readonly string[]): boolean =>
  destinationsOf(object).some(
    ({ host, subset }) =>
      subset !== undefined &&
      parseSubset(subset) === undefined &&
      isOneOf(host, services, object.metadata.namespace ?? ''),
  );

const isOneOf = (host: string, services: readonly string[], namespace: string): boolean =>
  services.some((service) => namesService(host, service, namespace));
