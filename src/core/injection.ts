import { PLAIN_VERSION_LABEL, PRIMARY, VERSION_LABEL } from './marks.ts';
import { annotationsOf, labelsOf, type Namespace, type PodTemplate, type StringMap } from './objects.ts';
import type { Settings } from './release-settings.ts';
import type { Injection } from './snapshot.ts';

// What admission writes into pod templates: the label that tells primary and canary apart, and what makes the mesh's
// proxy come along. Every function returns a copy.

const ISTIO_INJECT = 'sidecar.istio.io/inject';
const ISTIO_CONFIG = 'proxy.istio.io/config';
const LINKERD_INJECT = 'linkerd.io/inject';

const ISTIO_CONFIG_KEY = 'holdApplicationUntilProxyStarts';
const DATAPLANE_MODE = 'istio.io/dataplane-mode';
/** What Linkerd takes for yes; `ingress` is a mode of its proxy. */
const LINKERD_YES = ['enabled', 'ingress'];

/** The proxy that `auto` stands for in this namespace. In ambient ones the node has it, and nothing is injected. */
const proxyOf = (namespace: Namespace): Settings['sidecar'] => {
  const labels = labelsOf(namespace);
  if (LINKERD_YES.includes(annotationsOf(namespace)[LINKERD_INJECT] ?? '')) return 'linkerd';
  if (labels['istio-injection'] === 'disabled' || labels[DATAPLANE_MODE] === 'ambient') return 'none';
  return labels['istio-injection'] === 'enabled' || labels['istio.io/rev'] !== undefined ? 'istio' : 'none';
};

const linkerdMode = (namespace: Namespace): string => {
  const mode = annotationsOf(namespace)[LINKERD_INJECT] ?? '';
  return LINKERD_YES.includes(mode) ? mode : 'enabled';
};

/** What a template of this namespace gets, where its user has not decided otherwise. */
export const injectionFor = (settings: Pick<Settings, 'sidecar'>, namespace: Namespace): Injection => {
  const sidecar = settings.sidecar === 'auto' ? proxyOf(namespace) : settings.sidecar;
  const labels: StringMap = { [VERSION_LABEL]: PRIMARY, [PLAIN_VERSION_LABEL]: PRIMARY };
  if (sidecar === 'istio') {
    // An application that starts before its proxy fails its first calls, and a canary would be judged by them.
    const config = `{"${ISTIO_CONFIG_KEY}": true}`;
    // Which revision of Istio injects is decided by the labels istio.io/rev of its user's: this one suits all of them.
    return { labels: { ...labels, [ISTIO_INJECT]: 'true' }, annotations: { [ISTIO_CONFIG]: config } };
  }
  return { labels, annotations: sidecar === 'linkerd' ? { [LINKERD_INJECT]: linkerdMode(namespace) } : {} };
};

/** The template with every key of the injection that it lacks. */
export const inject = (template: PodTemplate, injection: Injection): PodTemplate => {
  const { labels, annotations, ...other } = template.metadata ?? {};
  const users = { labels: labels ?? {}, annotations: annotations ?? {} };
  const refused = refusesIstio(users, injection);
  const added = refused ? withoutIstio(injection, injection) : injection;
  const own = refused ? withoutIstio(users, injection) : users;
  return {
    ...template,
    metadata: {
      ...other,
      labels: { ...added.labels, ...own.labels, [VERSION_LABEL]: PRIMARY },
      ...ifNotEmpty('annotations', { ...added.annotations, ...own.annotations }),
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

// As Istio reads it; anything else but nothing is a no.
const ISTIO_YES = ['y', 'yes', 'true', 'on', ''];
const isNo = (value: string | undefined): boolean =>
  value !== undefined && !ISTIO_YES.includes(value.toLowerCase());

/**
 * Its user wants no sidecar in these pods: by label, by annotation as in older manifests (a label of ours does not speak
 * against that), or because the node's proxy serves them.
 */
const refusesIstio = ({ labels, annotations }: Injection, injection: Injection): boolean => {
  if (injection.labels[ISTIO_INJECT] === undefined) return false;
  if (isNo(labels[ISTIO_INJECT]) || labels[DATAPLANE_MODE] === 'ambient') return true;
  const undecided = [undefined, injection.labels[ISTIO_INJECT]].includes(labels[ISTIO_INJECT]);
  return undecided && isNo(annotations[ISTIO_INJECT]);
};

/** Without what the injection would write for Istio: who refuses the sidecar has no use for its configuration. */
const withoutIstio = ({ labels, annotations }: Injection, injection: Injection): Injection => ({
  labels: withoutValue(labels, ISTIO_INJECT, injection.labels),
  annotations: withoutValue(annotations, ISTIO_CONFIG, injection.annotations),
});

/**
 * The user's own configuration of the proxy stays as it is, to the letter: a merged one would be drift in their Git. So
 * it can lack what keeps an application from starting before its proxy.
 */
export const startsBeforeProxy = (template: PodTemplate, injection: Injection): boolean => {
  const { labels = {}, annotations = {} } = template.metadata ?? {};
  const config = annotations[ISTIO_CONFIG];
  if (injection.annotations[ISTIO_CONFIG] === undefined || config === undefined) return false;
  return !config.includes(ISTIO_CONFIG_KEY) && !refusesIstio({ labels, annotations }, injection);
};

// The label of the split is Kanari's whatever its value: a copied manifest may carry the canary's.
const isInjected = (key: string, value: string, injected: StringMap): boolean =>
  key === VERSION_LABEL || injected[key] === value;

const without = (map: StringMap, injected: StringMap): StringMap =>
  Object.fromEntries(Object.entries(map).filter(([key, value]) => !isInjected(key, value, injected)));

const withoutValue = (map: StringMap, key: string, injected: StringMap): StringMap =>
  Object.fromEntries(Object.entries(map).filter(([name, value]) => name !== key || value !== injected[key]));

const ifNotEmpty = <Name extends string>(name: Name, map: StringMap): Partial<Record<Name, StringMap>> =>
  Object.keys(map).length === 0 ? {} : ({ [name]: map } as Record<Name, StringMap>);
