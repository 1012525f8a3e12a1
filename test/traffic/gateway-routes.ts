import type { GatewayRoute } from '../../src/core/gateway-api/route.ts';
import { canaryServiceOf } from '../../src/core/gateway-api/route.ts';
import type { BackendRef } from '../../src/core/gateway-api/rule.ts';
import type { JsonObject, KubeObject } from '../../src/core/objects.ts';
import { isOwn } from '../../src/core/route-change.ts';
import { splitsOf } from '../../src/core/split-annotation.ts';
import type { FakeIstioApi } from './fake-istio-api.ts';
import type { WorldRoutes } from './router-contract.ts';

// What the routes in a fake of the Gateway API come to: which share each Service gets.

interface Rule {
  /** `HTTPRoute web rules[0]` */
  name: string;
  refs: BackendRef[];
}

const rulesOf = ({ kind, metadata, spec }: GatewayRoute): Rule[] =>
  (spec.rules ?? []).map(({ backendRefs = [] }, index) => ({
    name: `${kind} ${metadata.name} rules[${index}]`,
    refs: backendRefs,
  }));

const weightOf = ({ weight = 1 }: BackendRef): number => weight;
const sum = (refs: readonly BackendRef[]): number => refs.reduce((total, ref) => total + weightOf(ref), 0);

/** By name of each of Kanari's Services, the one whose canary it has. */
const canariesIn = (api: FakeIstioApi): Map<string, string> =>
  new Map(
    api.stores.services
      .list()
      .filter(isOwn)
      .flatMap((own) =>
        Object.values(splitsOf(own)).flatMap((entry) =>
          entry.services
            .filter((service) => canaryServiceOf(service, entry) === own.metadata.name)
            .map((service) => [own.metadata.name, service] as const),
        ),
      ),
  );

const withoutRefs = ({ kind, metadata, spec }: GatewayRoute): string => {
  const annotations = Object.entries(metadata.annotations ?? {}).filter(
    ([name]) => !name.startsWith('kanari.dev/'),
  );
  const rules = (spec.rules ?? []).map(({ backendRefs: _, ...rule }) => rule);
  return JSON.stringify({
    kind,
    labels: metadata.labels,
    annotations,
    spec: { ...spec, rules } satisfies JsonObject,
  });
};

/**
 * @param edited the user's route that is applied again, changed
 * @param further one more of the user's
 */
export const gatewayRoutes = (
  api: FakeIstioApi,
  { edited, further }: { edited: KubeObject; further: KubeObject },
): WorldRoutes => {
  const routes = (): GatewayRoute[] => [...api.stores.httpRoutes.list(), ...api.stores.grpcRoutes.list()];
  const rules = (): Rule[] => routes().flatMap(rulesOf);
  return {
    shares: () => {
      const canaries = canariesIn(api);
      const shares: Record<string, number> = {};
      for (const { name, refs } of rules())
        for (const ref of refs) {
          const destination = `${name} ${canaries.get(ref.name) ?? ref.name}`;
          shares[destination] = (shares[destination] ?? 0) + weightOf(ref) / sum(refs);
        }
      return shares;
    },
    canaryShares: () => {
      const canaries = [...canariesIn(api)];
      return rules().flatMap(({ refs }) =>
        canaries.flatMap(([canary, service]) => {
          const [to, halves] = [[canary], [canary, service]].map((names) =>
            refs.filter(({ name }) => names.includes(name)),
          );
          return to === undefined || to.length === 0 ? [] : [(100 * sum(to)) / sum(halves ?? [])];
        }),
      );
    },
    others: () => routes().map(withoutRefs),
    dangling: () => {
      const services = api.stores.services.list().map(({ metadata }) => metadata.name);
      return rules().flatMap(({ name, refs }) =>
        refs.filter((ref) => !services.includes(ref.name)).map((ref) => `${name} ${ref.name}`),
      );
    },
    edit: () => api.put(edited),
    remove: () => api.remove(edited.kind, edited.metadata.name),
    create: () => api.put(further),
  };
};
