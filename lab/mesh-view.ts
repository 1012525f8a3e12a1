import type { Service } from '../src/core/objects.ts';
import { withDelegates } from './delegates.ts';
import { fullHost, hostFit, hostOf } from './mesh-hosts.ts';
import type { MeshClient, RouteObjects, VirtualService } from './mesh-objects.ts';
import { type RuleInEffect, ruleInEffect } from './rule-in-effect.ts';
import { closenessOf, isVisible } from './rule-visibility.ts';

/** The mesh as one client is shown it. */
export interface MeshView {
  client: MeshClient;
  /** By full host. */
  services: ReadonlyMap<string, Service>;
  ruleFor: (host: string) => RuleInEffect | undefined;
  /** Those for the mesh that name the host, delegates resolved, in the order in which they are tried. */
  virtualServicesFor: (host: string) => VirtualService[];
}

export const viewOf = (routing: RouteObjects, client: MeshClient): MeshView => {
  const services = new Map(routing.services.map((service) => [hostOf(service), service]));
  const rules = [...routing.destinationRules].sort(oldestFirst);
  const inEffect = new Map(
    [...services].map(([host, service]) => [host, ruleInEffect(service, client, rules)]),
  );
  const visible = visibleTo(client, routing.virtualServices);
  return {
    client,
    services,
    ruleFor: (host) => inEffect.get(host),
    virtualServicesFor: (host) =>
      visible
        .map((virtualService) => ({ virtualService, fit: fitOf(virtualService, host) }))
        .filter(({ fit }) => fit > 0)
        .sort((a, b) => b.fit - a.fit)
        .map(({ virtualService }) => virtualService),
  };
};

const visibleTo = (client: MeshClient, all: readonly VirtualService[]): VirtualService[] =>
  withDelegates(all)
    .filter(
      ({ metadata, spec }) =>
        (spec.gateways === undefined || spec.gateways.includes('mesh')) &&
        isVisible(spec.exportTo, metadata.namespace ?? 'default', client.namespace),
    )
    .sort(oldestFirst)
    .sort((a, b) => closenessOf(a.spec.exportTo) - closenessOf(b.spec.exportTo));

const fitOf = ({ metadata, spec }: VirtualService, host: string): number =>
  Math.max(
    0,
    ...(spec.hosts ?? []).map((name) => hostFit(fullHost(name, metadata.namespace ?? 'default'), host)),
  );

type Dated = { metadata: { creationTimestamp?: string | null; namespace?: string; name: string } };

const ageKey = ({ metadata }: Dated): string =>
  `${metadata.creationTimestamp ?? ''} ${metadata.namespace} ${metadata.name}`;

const oldestFirst = (a: Dated, b: Dated): number => (ageKey(a) < ageKey(b) ? -1 : 1);
