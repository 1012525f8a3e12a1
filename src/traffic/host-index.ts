import { type KubeObject, keyOf, type ObjectKey } from '../core/objects.ts';
import type { Store } from '../kube/api.ts';

/** Objects of all namespaces by the hosts they name: a cluster has too many to go through them for each Deployment. */
export interface HostIndex<T> {
  /** Those that name the host, each once; wildcards are hosts of their own. */
  naming(host: string): T[];
  /** Those that name any host with a wildcard. */
  withWildcard(): T[];
}

/**
 * Follows the store from now on.
 * @param hostsOf fully qualified, or with a leading wildcard
 */
export const createHostIndex = <T extends KubeObject>(
  store: Pick<Store<T>, 'list' | 'onChange'>,
  hostsOf: (object: T) => string[],
): HostIndex<T> => {
  const byHost = new Map<string, Map<ObjectKey, T>>();
  const wildcards = new Map<ObjectKey, T>();

  const listsFor = (object: T): Map<ObjectKey, T>[] =>
    [...new Set(hostsOf(object))].map((host) => {
      if (host.startsWith('*')) return wildcards;
      const list = byHost.get(host) ?? new Map<ObjectKey, T>();
      byHost.set(host, list);
      return list;
    });
  const add = (object: T): void => {
    for (const list of listsFor(object)) list.set(keyOf(object), object);
  };
  const remove = (object: T): void => {
    for (const list of listsFor(object)) list.delete(keyOf(object));
    for (const host of hostsOf(object)) if (byHost.get(host)?.size === 0) byHost.delete(host);
  };

  for (const object of store.list()) add(object);
  store.onChange(({ before, after }) => {
    if (before !== undefined) remove(before);
    if (after !== undefined) add(after);
  });
  return {
    naming: (host) => [...(byHost.get(host)?.values() ?? [])],
    withWildcard: () => [...wildcards.values()],
  };
};
