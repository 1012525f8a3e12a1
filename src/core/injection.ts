import { PLAIN_VERSION_LABEL, PRIMARY, VERSION_LABEL } from './marks.ts';
import { annotationsOf, labelsOf, type Namespace, type PodTemplate, type StringMap } from './objects.ts';
import type { Settings } from './run.ts';
import type { Injection } from './snapshot.ts';

// What admission writes into pod templates: the label that tells primary and canary apart, and what makes the mesh's
// proxy come along. Every function returns a copy.

const ISTIO_INJECT = 'sidecar.istio.io/inject';
const ISTIO_CONFIG = 'proxy.istio.io/config';
const LINKERD_INJECT = 'linkerd.io/inject';

/** The proxy that `auto` stands for in this namespace. Ambient namespaces have none to inject. */
const proxyOf = (namespace: Namespace): Settings['sidecar'] => {
  const labels = labelsOf(namespace);
  if (annotationsOf(namespace)[LINKERD_INJECT] === 'enabled') return 'linkerd';
  if (labels['istio-injection'] === 'disabled') return 'none';
  return labels['istio-injection'] === 'enabled' || labels['istio.io/rev'] !== undefined ? 'istio' : 'none';
};

/** What a template of this namespace gets, where its user has not decided otherwise. */
export const injectionFor = (settings: Pick<Settings, 'sidecar'>, namespace: Namespace): Injection => {
  const sidecar = settings.sidecar === 'auto' ? proxyOf(namespace) : settings.sidecar;
  const labels: StringMap = { [VERSION_LABEL]: PRIMARY, [PLAIN_VERSION_LABEL]: PRIMARY };
  if (sidecar === 'istio') {
    // An application that starts before its proxy fails its first calls, and a canary would be judged by them.
    const config = '{"holdApplicationUntilProxyStarts": true}';
    return { labels: { ...labels, [ISTIO_INJECT]: 'true' }, annotations: { [ISTIO_CONFIG]: config } };
  }
  return { labels, annotations: sidecar === 'linkerd' ? { [LINKERD_INJECT]: 'enabled' } : {} };
};

/** The template with every key of the injection that it lacks. */
export const inject = (template: PodTemplate, injection: Injection): PodTemplate => {
  const metadata = template.metadata ?? {};
  const { labels, annotations } = withoutRefused(metadata, injection);
  return {
    ...template,
    metadata: {
      ...metadata,
      labels: { ...labels, ...metadata.labels, [VERSION_LABEL]: PRIMARY },
      ...ifNotEmpty('annotations', { ...annotations, ...metadata.annotations }),
    },
  };
};

/** The template without what `inject` writes; emptied maps go too, so that it equals one never injected. */
export const strip = (template: PodTemplate, injection: Injection): PodTemplate => {
  const { metadata, ...rest } = template;
  const { labels, annotations, ...other } = metadata ?? {};
  const kept = {
    ...other,
    ...ifNotEmpty('labels', without(labels ?? {}, injection.labels)),
    ...ifNotEmpty('annotations', without(annotations ?? {}, injection.annotations)),
  };
  return Object.keys(kept).length === 0 ? rest : { ...rest, metadata: kept };
};

/**
 * The template with exactly those injected keys that `from` has: a client that dropped them must not restart the
 * pods, and neither must Kanari by adding them where nothing else changes. Values of the user's own stay.
 */
export const carryInjected = (
  template: PodTemplate,
  from: PodTemplate,
  injection: Injection,
): PodTemplate => {
  const metadata = template.metadata ?? {};
  const labels = carry(metadata.labels, from.metadata?.labels, injection.labels);
  const annotations = carry(metadata.annotations, from.metadata?.annotations, injection.annotations);
  if (labels === metadata.labels && annotations === metadata.annotations) return template;
  return {
    ...template,
    metadata: { ...metadata, ...(labels && { labels }), ...(annotations && { annotations }) },
  };
};

const carry = (
  to: StringMap | undefined,
  from: StringMap | undefined,
  injected: StringMap,
): StringMap | undefined => {
  const carried = { ...to };
  let changed = false;
  for (const key of Object.keys(injected)) {
    const previous = from?.[key];
    const wanted = previous !== undefined && isInjected(key, previous, injected) ? previous : undefined;
    const users = carried[key] !== undefined && !isInjected(key, carried[key], injected);
    if (users || carried[key] === wanted) continue;
    changed = true;
    if (wanted === undefined) delete carried[key];
    else carried[key] = wanted;
  }
  return changed ? carried : to;
};

/** A person who refuses the sidecar has no use for its configuration. Older manifests refuse by annotation. */
const withoutRefused = (
  { labels, annotations }: NonNullable<PodTemplate['metadata']>,
  injection: Injection,
): Injection => {
  if (labels?.[ISTIO_INJECT] !== 'false' && annotations?.[ISTIO_INJECT] !== 'false') return injection;
  return {
    labels: withoutKey(injection.labels, ISTIO_INJECT),
    annotations: withoutKey(injection.annotations, ISTIO_CONFIG),
  };
};

// The label of the split is Kanari's whatever its value: a copied manifest may carry the canary's.
const isInjected = (key: string, value: string, injected: StringMap): boolean =>
  key === VERSION_LABEL || injected[key] === value;

const without = (map: StringMap, injected: StringMap): StringMap =>
  Object.fromEntries(Object.entries(map).filter(([key, value]) => !isInjected(key, value, injected)));

const withoutKey = (map: StringMap, key: string): StringMap =>
  Object.fromEntries(Object.entries(map).filter(([name]) => name !== key));

const ifNotEmpty = <Name extends string>(name: Name, map: StringMap): Partial<Record<Name, StringMap>> =>
  Object.keys(map).length === 0 ? {} : ({ [name]: map } as Record<Name, StringMap>);
