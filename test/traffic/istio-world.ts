import type { DestinationRule } from '../../src/core/istio/destination-rule.ts';
import type { VirtualService } from '../../src/core/istio/virtual-service.ts';
import type { JsonObject, KubeObject } from '../../src/core/objects.ts';
import { foreign } from '../../src/core/route-change.ts';
import type { FakeIstioApi } from './fake-istio-api.ts';
import type { WorldRoutes } from './router-contract.ts';

// What the routes in a fake of Istio's API come to: which share each destination gets.

const PRIMARY = 'kanari-primary';
const CANARY = 'kanari-canary';

interface Weighted {
  destination: { host: string; subset?: string };
  weight?: number;
}
interface Rule {
  /** `web http[0]` */
  name: string;
  route: Weighted[];
}

const rulesOf = ({ metadata, spec }: VirtualService): Rule[] =>
  (['http', 'tcp', 'tls'] as const).flatMap((section) =>
    ((spec[section] ?? []) as { route?: Weighted[] }[]).flatMap(({ route }, index) =>
      route === undefined ? [] : [{ name: `${metadata.name} ${section}[${index}]`, route }],
    ),
  );

const weightOf = ({ weight }: Weighted, { route }: Rule): number => weight ?? (route.length === 1 ? 100 : 0);
const isHalf = ({ destination: { subset } }: Weighted): boolean => subset === PRIMARY || subset === CANARY;
const withoutHalf = (each: Weighted): string =>
  isHalf(each) ? each.destination.host : `${each.destination.host} ${each.destination.subset ?? ''}`.trim();

const sharesOf = (rule: Rule): [string, number][] => {
  const total = rule.route.reduce((sum, each) => sum + weightOf(each, rule), 0);
  return rule.route.map((each) => [`${rule.name} ${withoutHalf(each)}`, weightOf(each, rule) / total]);
};

const canarySharesOf = (rule: Rule): number[] => {
  const hosts = new Set(rule.route.filter(isHalf).map(({ destination }) => destination.host));
  return [...hosts].map((host) => {
    const halves = rule.route.filter((each) => isHalf(each) && each.destination.host === host);
    const all = halves.reduce((sum, each) => sum + weightOf(each, rule), 0);
    const canary = halves.find(({ destination }) => destination.subset === CANARY);
    return canary === undefined ? 0 : (100 * weightOf(canary, rule)) / all;
  });
};

/** `web` of `web.shop`, as far as these worlds spell hosts. */
const shortOf = (host: string): string => host.split('.')[0] ?? host;

const strip = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(strip);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => key !== 'route' && key !== 'subsets');
  return Object.fromEntries(entries.map(([key, inner]) => [key, strip(inner)]));
};

const othersOf = (object: KubeObject): string => {
  const { annotations = {}, labels = {} } = object.metadata;
  const users = Object.entries(annotations).filter(([key]) => !key.startsWith('kanari.dev/'));
  return JSON.stringify({
    labels,
    annotations: users,
    spec: strip((object as unknown as { spec: JsonObject }).spec),
  });
};

/**
 * The routes of the target's first Service in the API.
 * @param edited the user's route that is applied again, changed; undefined where there is none
 * @param further one more of the user's
 */
export const istioRoutes = (
  api: FakeIstioApi,
  { edited, further }: { edited?: KubeObject | undefined; further: KubeObject },
): WorldRoutes => {
  const routes = (): VirtualService[] => api.stores.virtualServices.list();
  const rules = (): DestinationRule[] => api.stores.destinationRules.list();
  const stands = (host: string, subset: string): boolean =>
    rules().some(
      ({ spec }) =>
        shortOf(spec.host) === shortOf(host) && (spec.subsets ?? []).some(({ name }) => name === subset),
    );
  const users = (): VirtualService[] => foreign(routes());
  return {
    shares: () => {
      const sums: Record<string, number> = {};
      for (const [destination, share] of users().flatMap(rulesOf).flatMap(sharesOf))
        sums[destination] = (sums[destination] ?? 0) + share;
      return sums;
    },
    canaryShares: () => routes().flatMap(rulesOf).flatMap(canarySharesOf),
    others: () => [...users(), ...foreign(rules())].map(othersOf),
    dangling: () =>
      routes()
        .flatMap(rulesOf)
        .flatMap(({ name, route }) =>
          route
            .filter(({ destination: { host, subset } }) => subset !== undefined && !stands(host, subset))
            .map(({ destination: { host, subset } }) => `${name} ${host} ${subset}`),
        ),
    ...(edited === undefined
      ? {}
      : { edit: () => api.put(edited), remove: () => api.remove(edited.kind, edited.metadata.name) }),
    create: () => api.put(further),
  };
};
