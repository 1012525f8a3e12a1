import type { JsonObject, KubeObject, Service } from '../../src/core/objects.ts';
import { sameJson } from '../../src/core/same-json.ts';
import type { FakeIstioApi } from './fake-istio-api.ts';

// Users' Services and routes, and an implementation of the Gateway API that takes over every form at once.

const ROUTES = ['HTTPRoute', 'GRPCRoute'];

export const userService = (name: string, spec: Service['spec'] = {}): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'shop', managedFields: [{ manager: 'kubectl' }] },
  spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, protocol: 'TCP' }], ...spec },
});

export const gatewayRoute = (name: string, rules: JsonObject[], kind = 'HTTPRoute'): KubeObject =>
  ({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind,
    metadata: { name, namespace: 'shop', managedFields: [{ manager: 'kubectl' }] },
    spec: { parentRefs: [{ name: 'edge' }], rules },
  }) as KubeObject;

export const ref = (name: string, weight?: number): JsonObject => ({
  name,
  port: 80,
  ...(weight === undefined ? {} : { weight }),
});

interface RouteWithStatus extends KubeObject {
  spec: JsonObject;
  status?: JsonObject;
}

const isRoute = (object: KubeObject): object is RouteWithStatus => ROUTES.includes(object.kind);

export interface ParentSays {
  generation?: number;
  accepted?: 'True' | 'False';
  resolved?: 'True' | 'False';
}

/** Status of a route as the Gateway `edge` reports it. */
export const statusOf = (route: KubeObject, says: ParentSays = {}): JsonObject => {
  const observedGeneration = says.generation ?? route.metadata.generation ?? 0;
  const condition = (type: string, status: string) => ({
    type,
    status,
    reason: status === 'True' ? type : 'BackendNotFound',
    message: status === 'True' ? '' : 'no such Service',
    observedGeneration,
  });
  return {
    parents: [
      {
        parentRef: { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge' },
        controllerName: 'example.com/gateway',
        conditions: [
          condition('Accepted', says.accepted ?? 'True'),
          condition('ResolvedRefs', says.resolved ?? 'True'),
        ],
      },
    ],
  };
};

const raiseGeneration = (object: RouteWithStatus, before: KubeObject | undefined): void => {
  const changed = before === undefined || !sameJson((before as RouteWithStatus).spec, object.spec);
  object.metadata.generation = (before?.metadata.generation ?? 0) + (changed ? 1 : 0);
};

/** Generations as the API server counts them; and, unless it is slow, an implementation that accepts them. */
export const startGateway = (api: FakeIstioApi, { slow = false } = {}): void => {
  api.react = (object, before) => {
    if (!isRoute(object)) return;
    raiseGeneration(object, before);
    if (!slow) object.status = statusOf(object);
  };
};

/** Without what the API server and implementations keep on an object. */
export const bare = (object: KubeObject): unknown => {
  const { status: _, ...rest } = object as RouteWithStatus;
  const metadata = { ...rest.metadata };
  delete metadata.resourceVersion;
  delete metadata.generation;
  delete metadata.uid;
  return { ...rest, metadata };
};
