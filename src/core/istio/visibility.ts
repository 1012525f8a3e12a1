import type { JsonObject, KubeObject } from '../objects.ts';

// Which namespaces' proxies obey an object: its `exportTo`. What the mesh has as default is not known here; Istio's own
// is everywhere.

export type Visibility = 'everywhere' | ReadonlySet<string>;

const isListOfStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string');

export const visibilityOf = ({ spec, metadata }: KubeObject & { spec: JsonObject }): Visibility => {
  const { exportTo } = spec;
  if (!isListOfStrings(exportTo) || exportTo.length === 0 || exportTo.includes('*')) return 'everywhere';
  const own = metadata.namespace ?? '';
  return new Set(exportTo.map((namespace) => (namespace === '.' ? own : namespace)));
};

export const isVisibleIn = (visibility: Visibility, namespace: string): boolean =>
  visibility === 'everywhere' || visibility.has(namespace);

/** Whether all who see the one see the other too. */
export const isWithin = (inner: Visibility, outer: Visibility): boolean =>
  outer === 'everywhere' || (inner !== 'everywhere' && [...inner].every((namespace) => outer.has(namespace)));

export const united = (all: readonly Visibility[]): Visibility =>
  all.includes('everywhere')
    ? 'everywhere'
    : new Set(all.flatMap((each) => (each === 'everywhere' ? [] : [...each])));
