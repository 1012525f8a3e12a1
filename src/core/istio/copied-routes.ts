import type { JsonObject } from '../objects.ts';
import { fullHost } from './hosts.ts';
import { mapMirrors, type Route } from './split-route.ts';
import { restoreVirtualService, type VirtualService } from './virtual-service.ts';

// HTTP routes of one VirtualService as they read in another, perhaps of another namespace: every name in full.

const inFull = (route: Route, namespace: string): Route => {
  const named = <T extends { host: string }>(destination: T): T => ({
    ...destination,
    host: fullHost(destination.host, namespace),
  });
  const delegate = route['delegate'] as JsonObject | undefined;
  return {
    ...mapMirrors(route, named),
    ...(route.route === undefined
      ? {}
      : { route: route.route.map((each) => ({ ...each, destination: named(each.destination) })) }),
    ...(delegate === undefined ? {} : { delegate: { namespace, ...delegate } }),
  };
};

/** The user's form of them, whatever split the object carries. */
export const copiedHttp = (object: VirtualService): Route[] =>
  (restoreVirtualService(object).spec.http ?? []).map((route) =>
    inFull(route, object.metadata.namespace ?? ''),
  );
