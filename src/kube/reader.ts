import type { Reader } from './api.ts';
import { listAll } from './paged-list.ts';
import { pathOf } from './resources.ts';
import type { Rest } from './rest.ts';

export const createReader = (rest: Rest): Reader => ({
  get: async <T>(ref: Parameters<Reader['get']>[0], options: { signal: AbortSignal }) =>
    (await rest.request({ method: 'GET', path: pathOf(ref.kind, ref), signal: options.signal })) as T,
  list: async (kind, options) => (await listAll(rest, kind, options)).items as never,
});
