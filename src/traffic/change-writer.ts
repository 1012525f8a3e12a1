import type { RouteChange } from '../core/route-change.ts';
import { refOf } from '../kube/resources.ts';
import { createRouteWriter, type RouteWriterOptions } from './route-writer.ts';

export interface ChangeWriter {
  /** One after the other: the order of a plan is part of it, and a failure stops it. */
  carryOut(changes: readonly RouteChange[], name: string, signal: AbortSignal): Promise<void>;
}

/** Writes what a router has planned for the Deployment of a name. */
export const createChangeWriter = (options: RouteWriterOptions): ChangeWriter => {
  const { writer } = options;
  const routes = createRouteWriter(options);

  const perform = async (change: RouteChange, name: string, signal: AbortSignal): Promise<void> => {
    switch (change.kind) {
      case 'split':
        return routes.settle(change.object, { name, entry: change.entry }, signal);
      case 'apply':
        await writer.apply(change.object, { signal, force: true });
        return;
      case 'delete': {
        const { uid } = change.object.metadata;
        return writer.delete(refOf(change.object), { signal, ...(uid === undefined ? {} : { uid }) });
      }
    }
  };

  return {
    carryOut: async (changes, name, signal) => {
      for (const change of changes) await perform(change, name, signal);
    },
  };
};
