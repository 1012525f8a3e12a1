import { canaryNameOf, withoutTracking } from '../canary-deployment.ts';
import { CANARY, VERSION_LABEL } from '../marks.ts';
import { annotationsOf, labelsOf, type OwnerReference, type Service, type StringMap } from '../objects.ts';
import {
  OWN_LABELS,
  ownOf,
  planGivenBack,
  planOwnDeleted,
  type RouteChange,
  splitChange,
} from '../route-change.ts';
import { sameJson } from '../same-json.ts';
import { NO_SHARE, type Share, shareOf } from '../share.ts';
import { type SplitEntry, splitsOf } from '../split-annotation.ts';
import { withEntry } from '../split-object.ts';
import { canaryServiceOf } from './route.ts';
import { restoreService } from './service.ts';

// For the time of a run each Service of a Deployment is two: the user's own, narrowed to the primary's pods, and one of
// Kanari's with the canary's. What routes by Service tells the two apart, and who bypasses the routes meets no canary.

/** One Deployment's Services, and all of its namespace. */
export interface ServiceView {
  /** The Deployment's; its entry in every split. */
  name: string;
  namespace: string;
  owner: OwnerReference | undefined;
  /** Those whose traffic is split. */
  services: Service[];
  /** All Services of the namespace. */
  existing: Service[];
  /** Names that routes of the user's refer to: no canary's Service may turn up under one of them. */
  referred: readonly string[];
}

const namesOf = ({ services }: ServiceView): string[] => services.map(({ metadata }) => metadata.name).sort();

/** Whether Kubernetes finds the Service's endpoints by labels of pods, so that a label tells two sides apart. */
export const selectsPods = ({ spec }: Service): boolean =>
  spec?.type !== 'ExternalName' && Object.keys(spec?.selector ?? {}).length > 0;

/** The standing canary's Service of a Service keeps its name to the end, whoever refers to it meanwhile. */
const standingFor = ({ existing, name }: ServiceView, service: string): Service | undefined =>
  ownOf(existing, name).find((own) => {
    const entry = splitsOf(own)[name];
    return (
      entry?.services.includes(service) === true && canaryServiceOf(service, entry) === own.metadata.name
    );
  });

/** A name for the canary's Service of a Service that nothing has or means. */
export const freeCanaryName = (service: string, taken: readonly string[]): string => {
  let free = canaryNameOf(service, taken);
  for (let number = 2; taken.includes(free); number += 1) free = canaryNameOf(`${service}-${number}`, taken);
  return free;
};

const freeNameFor = ({ existing, name, referred }: ServiceView, service: string): string => {
  const own = ownOf(existing, name);
  const foreign = existing.filter((each) => !own.includes(each));
  return freeCanaryName(service, [...referred, ...foreign.map(({ metadata }) => metadata.name)]);
};

/** By name of the Service, the name of the canary's. */
export const canaryServices = (view: ServiceView): StringMap =>
  Object.fromEntries(
    view.services
      .filter(selectsPods)
      .map(({ metadata: { name } }) => [
        name,
        standingFor(view, name)?.metadata.name ?? freeNameFor(view, name),
      ]),
  );

/** What the Deployment asks of every route and Service; names that follow from the Service's are left out. */
export const pairEntry = (view: ServiceView, share: Share): SplitEntry => {
  const unusual = Object.entries(canaryServices(view)).filter(
    ([service, name]) => name !== canaryNameOf(service),
  );
  return {
    services: namesOf(view),
    ...shareOf(share),
    ...(unusual.length === 0 ? {} : { canaryServices: Object.fromEntries(unusual) }),
  };
};

// They would have the canary published under the user's own name.
const PUBLISHING = /^external-dns\.alpha\.kubernetes\.io\//;

const annotationsFor = (service: Service): StringMap =>
  Object.fromEntries(
    Object.entries(withoutTracking(annotationsOf(service))).filter(([name]) => !PUBLISHING.test(name)),
  );

/**
 * The user's Service with the canary's pods behind it. Its labels and annotations come along: by them gateways know the
 * protocol to speak, and metrics servers whom to scrape. It never leaves the cluster: no node port, no load balancer.
 */
export const canaryServiceFrom = (
  stored: Service,
  { name, namespace, owner }: Pick<ServiceView, 'name' | 'namespace' | 'owner'>,
): Service => {
  const service = restoreService(stored);
  const { selector, ports, clusterIP, ipFamilies, ipFamilyPolicy } = service.spec ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name,
      namespace,
      labels: { ...withoutTracking(labelsOf(service)), ...OWN_LABELS },
      annotations: annotationsFor(service),
      ...(owner === undefined ? {} : { ownerReferences: [owner] }),
    },
    spec: {
      type: 'ClusterIP',
      ...(clusterIP === 'None' ? { clusterIP } : {}),
      ...(ipFamilyPolicy === undefined ? {} : { ipFamilyPolicy }),
      ...(ipFamilies === undefined ? {} : { ipFamilies }),
      selector: { ...selector, [VERSION_LABEL]: CANARY },
      ...(ports === undefined ? {} : { ports: ports.map(({ nodePort: _, ...port }) => port) }),
    },
  };
};

const isHeadless = ({ spec }: Service): boolean => spec?.clusterIP === 'None';

/**
 * Equal in all that is decided here; the API server adds defaults to the rest.
 * @param name the Deployment's
 */
export const standsFor = (stored: Service, wanted: Service, name: string): boolean =>
  sameJson(stored.spec?.selector, wanted.spec?.selector) &&
  sameJson(stored.spec?.ports, wanted.spec?.ports) &&
  sameJson(splitsOf(stored)[name], splitsOf(wanted)[name]) &&
  stored.metadata.ownerReferences?.[0]?.uid === wanted.metadata.ownerReferences?.[0]?.uid;

const canaryServiceChange = (view: ServiceView, service: Service, entry: SplitEntry): RouteChange[] => {
  const name = canaryServiceOf(service.metadata.name, entry);
  const wanted = withEntry(canaryServiceFrom(service, { ...view, name }), view.name, entry);
  const stored = view.existing.find(({ metadata }) => metadata.name === name);
  if (stored === undefined) return [{ kind: 'apply', object: wanted }];
  // The cluster address can't be changed in place.
  if (isHeadless(stored) !== isHeadless(wanted))
    return [
      { kind: 'delete', object: stored },
      { kind: 'apply', object: wanted },
    ];
  return standsFor(stored, wanted, view.name) ? [] : [{ kind: 'apply', object: wanted }];
};

/** A Service for the canary's pods beside each of the user's; nobody is sent there by it. */
export const planCanaryServices = (view: ServiceView): RouteChange[] => {
  const entry = pairEntry(view, NO_SHARE);
  return view.services.filter(selectsPods).flatMap((service) => canaryServiceChange(view, service, entry));
};

/**
 * The user's Services without the canary's pods. Only once every pod of the primary has its label: one without it would
 * lose its traffic.
 */
export const planNarrowed = (view: ServiceView): RouteChange[] =>
  view.services
    .filter(selectsPods)
    .flatMap((service) => splitChange(service, view.name, pairEntry(view, NO_SHARE)));

/** The user's Services as they were: they reach every pod they select, so only when the canary has none. */
export const planWidened = ({ existing, name }: ServiceView): RouteChange[] => planGivenBack(existing, name);

/** After the last route has let go of them. */
export const planCanaryServicesDeleted = ({ existing, name }: ServiceView): RouteChange[] =>
  planOwnDeleted(existing, name);
