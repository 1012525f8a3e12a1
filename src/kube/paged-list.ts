import type { KubeObject } from '../core/objects.ts';
import { isGone, KubeError } from './errors.ts';
import { apiVersionOf, pathOf, type ResourceKind } from './resources.ts';
import type { Rest } from './rest.ts';

/** Objects per page: a few megabytes, and an answer well within the deadline. */
export const PAGE_LIMIT = 500;
const MAX_RESTARTS = 3;

export interface ListSelection {
  signal: AbortSignal;
  namespace?: string | undefined;
  labelSelector?: string | undefined;
}

export interface ListResult<T extends KubeObject> {
  items: T[];
  /** Where a watch continues. */
  resourceVersion: string;
}

interface Page {
  metadata?: { resourceVersion?: string; continue?: string };
  items?: KubeObject[] | null;
}

interface Collection extends ListSelection {
  kind: ResourceKind;
  limit: number | undefined;
}

const readPage = async (rest: Rest, collection: Collection, token: string | undefined): Promise<Page> => {
  const { kind, namespace, limit, labelSelector, signal } = collection;
  const path = pathOf(kind, namespace === undefined ? {} : { namespace });
  const query = { limit, continue: token, labelSelector };
  return (await rest.request({ method: 'GET', path, query, signal })) ?? {};
};

/** Items of a list come without the two fields that every single object has. */
const named = (kind: ResourceKind, item: KubeObject): KubeObject => ({
  ...item,
  apiVersion: apiVersionOf(kind),
  kind,
});

const collect = async <T extends KubeObject>(rest: Rest, collection: Collection): Promise<ListResult<T>> => {
  const { kind } = collection;
  const items: T[] = [];
  let token: string | undefined;
  for (;;) {
    const page = await readPage(rest, collection, token);
    for (const item of page.items ?? []) items.push(named(kind, item) as T);
    token = page.metadata?.continue;
    if (token) continue;
    const resourceVersion = page.metadata?.resourceVersion;
    if (resourceVersion) return { items, resourceVersion };
    // Without it a watch would start anywhere, and the list would be repeated for ever.
    const message = `the list of ${kind} has no resourceVersion`;
    throw new KubeError({ status: 0, reason: 'Undecodable', message });
  }
};

/** All objects, page by page. A page token that expired midway starts the list again, at last without pages. */
export const listAll = async <T extends KubeObject>(
  rest: Rest,
  kind: ResourceKind,
  selection: ListSelection,
): Promise<ListResult<T>> => {
  for (let restarts = 0; ; restarts += 1) {
    try {
      const limit = restarts < MAX_RESTARTS ? PAGE_LIMIT : undefined;
      return await collect<T>(rest, { ...selection, kind, limit });
    } catch (error) {
      if (!isGone(error) || restarts === MAX_RESTARTS) throw error;
    }
  }
};
