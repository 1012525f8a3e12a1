import type { LabApi } from '../../lab/api.ts';
import type { JsonObject, KubeObject } from '../../src/core/objects.ts';

// What an implementation of the Gateway API reports about routes, without a data plane.

interface Route extends KubeObject {
  spec: JsonObject & { rules?: { backendRefs?: { name: string }[] }[] };
  status?: { parents?: { conditions?: { observedGeneration?: number; status: string }[] }[] };
}

export interface StandInGateway {
  /** Takes no form over any more until told to. */
  pause(): void;
  resume(): Promise<void>;
  /** Says so of every form from now on. */
  refuse(reason: string): void;
  stop(): void;
}

const ROOT = '/apis/gateway.networking.k8s.io/v1';
const PLURALS = { HTTPRoute: 'httproutes', GRPCRoute: 'grpcroutes' } as const;
const KINDS = Object.keys(PLURALS) as (keyof typeof PLURALS)[];

/** The Gateway `edge` of a namespace: accepts each form of a route whose Services exist. */
export const startStandInGateway = async (api: LabApi, namespace: string): Promise<StandInGateway> => {
  const ending = new AbortController();
  const waiting = new Map<string, () => Promise<void>>();
  let paused = false;
  let refusal: string | undefined;

  const existing = async (): Promise<Set<string>> => {
    const path = `/api/v1/namespaces/${namespace}/services`;
    const { items } = await api.request<{ items: KubeObject[] }>('GET', path);
    return new Set(items.map(({ metadata }) => metadata.name));
  };

  const conditionsOf = async ({ spec, metadata }: Route): Promise<JsonObject[]> => {
    const names = await existing();
    const missing = (spec.rules ?? [])
      .flatMap(({ backendRefs = [] }) => backendRefs)
      .find(({ name }) => !names.has(name));
    const condition = (type: string, problem: string | undefined): JsonObject => ({
      type,
      status: problem === undefined ? 'True' : 'False',
      reason: problem ?? type,
      message: '',
      observedGeneration: metadata.generation ?? 0,
      lastTransitionTime: '2026-11-21T00:00:00Z',
    });
    return [
      condition('Accepted', refusal),
      condition('ResolvedRefs', missing === undefined ? undefined : 'BackendNotFound'),
    ];
  };

  const report = async (path: string, route: Route): Promise<void> => {
    const parent = {
      parentRef: { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge' },
      controllerName: 'example.com/stand-in',
      conditions: await conditionsOf(route),
    };
    const status = { parents: [parent] };
    // Gone meanwhile, or a namespace that ends: nothing is left to report about.
    await api.request('PATCH', `${path}/status`, { status }).catch(() => undefined);
  };

  const follow = async (kind: keyof typeof PLURALS): Promise<void> => {
    const collection = `${ROOT}/namespaces/${namespace}/${PLURALS[kind]}`;
    const mirror = api.mirror<Route>(collection, ending.signal);
    mirror.onChange((route, change) => {
      const { name, generation } = route.metadata;
      const conditions = route.status?.parents?.[0]?.conditions ?? [];
      const isReported =
        conditions.length > 0 && conditions.every((each) => each.observedGeneration === generation);
      if (change === 'DELETED' || isReported) return;
      const path = `${collection}/${name}`;
      if (paused) waiting.set(path, () => report(path, route));
      else void report(path, route);
    });
    await mirror.ready;
  };

  await Promise.all(KINDS.map(follow));
  return {
    pause: () => {
      paused = true;
    },
    resume: async () => {
      paused = false;
      const late = [...waiting.values()];
      waiting.clear();
      await Promise.all(late.map((tell) => tell()));
    },
    refuse: (reason) => {
      refusal = reason;
    },
    stop: () => ending.abort(),
  };
};
