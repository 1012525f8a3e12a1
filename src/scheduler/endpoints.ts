import { CANARY, PRIMARY, REVISION_ANNOTATION, VERSION_LABEL } from '../core/marks.ts';
import { annotationsOf, type EndpointSlice, labelsOf, type ObjectKey, type Pod } from '../core/objects.ts';
import type { EndpointState } from '../core/snapshot.ts';

const SERVICE_NAME = 'kubernetes.io/service-name';

const NONE: EndpointState = { primary: 0, primaryUnlabelled: 0, canary: 0, canaryAny: 0 };

type PodOf = (key: ObjectKey) => Pod | undefined;

/** Names of the pods behind the ready endpoints; a dual-stack Service lists each once per address family. */
const readyPods = (slices: EndpointSlice[]): Set<string> => {
  const endpoints = slices.flatMap((slice) => slice.endpoints ?? []);
  const ready = endpoints.filter((endpoint) => endpoint.conditions?.ready !== false);
  return new Set(ready.flatMap((endpoint) => endpoint.targetRef?.name ?? []));
};

const sideOf = (pod: Pod | undefined, revision: string | undefined): Partial<EndpointState> => {
  const label = pod === undefined ? undefined : labelsOf(pod)[VERSION_LABEL];
  if (label === PRIMARY) return { primary: 1 };
  if (pod === undefined || label !== CANARY) return { primaryUnlabelled: 1 };
  return annotationsOf(pod)[REVISION_ANNOTATION] === revision
    ? { canary: 1, canaryAny: 1 }
    : { canaryAny: 1 };
};

const add = (a: EndpointState, b: Partial<EndpointState>): EndpointState => ({
  primary: a.primary + (b.primary ?? 0),
  primaryUnlabelled: a.primaryUnlabelled + (b.primaryUnlabelled ?? 0),
  canary: a.canary + (b.canary ?? 0),
  canaryAny: a.canaryAny + (b.canaryAny ?? 0),
});

/** A Service by name, and the one that has the canary's endpoints where that is not the same. */
export interface ServiceSides {
  name: string;
  canary?: string | undefined;
}

const countPods = (pods: ReadonlySet<string>, podOf: (name: string) => Pod | undefined, revision?: string) =>
  [...pods].map((name) => sideOf(podOf(name), revision)).reduce(add, NONE);

const countOne = (
  { name, canary }: ServiceSides,
  podsBehind: (service: string) => Set<string>,
  count: (pods: ReadonlySet<string>) => EndpointState,
): EndpointState => {
  const behind = podsBehind(name);
  if (canary === undefined) return count(behind);
  const behindCanary = podsBehind(canary);
  return {
    ...count(behind),
    canary: count(behindCanary).canary,
    canaryAny: count(new Set([...behind, ...behindCanary])).canaryAny,
  };
};

/**
 * Ready endpoints of the services by side; with several services the worst of them counts.
 * @param revision the canary's revision
 */
export const endpointsOf = (
  slices: EndpointSlice[],
  services: readonly ServiceSides[],
  podOf: PodOf,
  revision: string | undefined,
): EndpointState => {
  const namespace = slices[0]?.metadata.namespace ?? '';
  const slicesOf = (service: string): EndpointSlice[] =>
    slices.filter((slice) => labelsOf(slice)[SERVICE_NAME] === service);
  const podsBehind = (service: string): Set<string> => readyPods(slicesOf(service));
  const count = (pods: ReadonlySet<string>): EndpointState =>
    countPods(pods, (name) => podOf(`${namespace}/${name}`), revision);
  const perService = services.map((sides) => countOne(sides, podsBehind, count));
  const [first, ...rest] = perService;
  if (first === undefined) return NONE;
  const worst = rest.reduce(
    (least, counts) => ({
      primary: Math.min(least.primary, counts.primary),
      primaryUnlabelled: Math.max(least.primaryUnlabelled, counts.primaryUnlabelled),
      canary: Math.min(least.canary, counts.canary),
      canaryAny: Math.max(least.canaryAny, counts.canaryAny),
    }),
    first,
  );
  // Even a Service without endpoints has a slice, as soon as the cluster has seen it.
  const isUnlisted = services.some(({ name }) => slicesOf(name).length === 0);
  return isUnlisted ? { ...worst, unlisted: true } : worst;
};
