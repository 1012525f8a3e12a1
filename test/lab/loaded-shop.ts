import { type Load, startLoad } from '../../lab/load.ts';
import type { VirtualService } from '../../lab/mesh-objects.ts';
import type { KubeObject, Pod } from '../../src/core/objects.ts';
import type { CanaryStatus } from '../../src/core/run.ts';
import type { Canary } from '../../src/core/snapshot.ts';
import { isHeldAtAChange } from './admission-load.ts';
import { eventually, type ReleaseWorld } from './release-world.ts';

// One namespace with a Deployment behind a Service, watched while it is released.

/** What a watch showed, and when it came in. */
export interface Sighting<T> {
  at: number;
  seen: T;
}

export interface ShopOptions {
  namespace: string;
  /** The image's tag before the opt-in. Default `v1`. */
  tag?: string;
  /** The user's own routes, as YAML documents without a namespace. Default none. */
  routes?: string;
  /** Whether the namespace is labelled for Istio's sidecars, as without a route tells that there is a mesh. Default true. */
  mesh?: boolean;
  /** Annotations of the namespace, beyond those that make a run short. */
  settings?: Record<string, string>;
  /**
   * Requests per second, over all proxies of the world, half of them on connections of their own; 0 sends none.
   * Default 80.
   */
  rps?: number;
  /** Of the Deployment. Default 4. */
  replicas?: number;
}

export interface Shop {
  namespace: string;
  load: Load;
  /** Every status that the Canary was seen with, in order. */
  statuses: Sighting<CanaryStatus>[];
  /** Every VirtualService that was seen, in order. */
  routes: Sighting<VirtualService>[];
  status(): CanaryStatus | undefined;
  /** Resolves with the first status that fits, from now on, or since the last `apply` where that came just before. */
  reach(what: string, fits: (status: CanaryStatus) => boolean): Promise<CanaryStatus>;
  optIn(): Promise<void>;
  /** `kubectl apply` of the Deployment with another image tag. */
  apply(tag: string): Promise<void>;
  /** What `kubectl diff` says of the manifests applied last: nothing where the cluster is as they want it. */
  drift(): Promise<string>;
  /** UIDs of the Deployment's own pods, sorted. */
  primaryPods(): Promise<string[]>;
  canaryPods(): Promise<Pod[]>;
  stop(): Promise<void>;
}

// Steps of seconds, and of verdicts only the success rate: a busy machine is slow.
const SETTINGS = {
  steps: '20,50',
  interval: '5s',
  latency: 'off',
  'min-requests': '40',
  'progress-deadline': '3m',
};

const indented = (settings: Record<string, string>): string =>
  Object.entries(settings)
    .map(([name, value]) => `    kanari.dev/${name}: "${value}"`)
    .join('\n');

const namespaceYaml = ({ namespace, settings = {}, mesh = true }: ShopOptions): string => `
apiVersion: v1
kind: Namespace
metadata:
  name: ${namespace}
  labels: {istio-injection: ${mesh ? 'enabled' : 'disabled'}}
  annotations:
${indented({ ...SETTINGS, ...settings })}
`;

const SERVICE = `
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
`;

const deploymentYaml = (tag: string, replicas = 4): string => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:${tag}", ports: [{containerPort: 8080}]}]}
`;

/** The route most users have, without retries: they would hide what is lost. */
export const PLAIN_ROUTE = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, labels: {team: shop}, annotations: {example.com/owner: jo}}
spec:
  hosts: [web]
  http:
  - retries: {attempts: 0}
    route:
    - destination: {host: web}
`;

const watchInto = <T extends KubeObject>(
  world: ReleaseWorld,
  path: string,
  signal: AbortSignal,
): Sighting<T>[] => {
  const sightings: Sighting<T>[] = [];
  world.lab.api.mirror<T>(path, signal).onChange((seen, type) => {
    if (type !== 'DELETED') sightings.push({ at: Date.now(), seen });
  });
  return sightings;
};

/** Brings the shop up, not opted in, and puts it under load. */
export const openShop = async (world: ReleaseWorld, options: ShopOptions): Promise<Shop> => {
  const { namespace, tag = 'v1', routes = '', rps = 80, replicas } = options;
  const { lab, mesh } = world;
  const others = [SERVICE, ...(routes === '' ? [] : [routes])];
  let current = tag;
  const manifests = (): string => [deploymentYaml(current, replicas), ...others].join('---');
  const apply = async (text: string): Promise<void> =>
    void (await lab.kubectl(['apply', '-n', namespace, '-f', '-'], { stdin: text }));
  await lab.applyYaml(namespaceYaml(options));
  await apply(manifests());
  await lab.kubectl(['rollout', 'status', '-n', namespace, 'deployment/web', '--timeout=180s']);

  const ended = new AbortController();
  const istio = `/apis/networking.istio.io/v1/namespaces/${namespace}`;
  const routeSightings = watchInto<VirtualService>(world, `${istio}/virtualservices`, ended.signal);
  const statuses: Sighting<CanaryStatus>[] = [];
  const host = `web.${namespace}`;
  const ports = mesh.proxies?.map(({ httpPort }) => httpPort) ?? [mesh.httpPort];
  for (const port of ports) {
    await eventually(
      async () => (await answers(port, host)) || undefined,
      () => `${host} answers at ${port}`,
    );
  }
  const load = startLoad({ port: ports, host, rps, keepAlive: 'both', phase: 'before opt-in' });
  const canaries = `/apis/kanari.dev/v1alpha1/namespaces/${namespace}/canaries`;
  lab.api.mirror<Canary>(canaries, ended.signal).onChange(({ status }) => {
    if (status?.phase === undefined) return;
    statuses.push({ at: Date.now(), seen: status });
    load.phase(`${status.phase} ${status.canaryWeight}`);
  });
  const status = (): CanaryStatus | undefined => statuses.at(-1)?.seen;
  const pods = async (): Promise<Pod[]> => {
    const list = await lab.api.request<{ items: Pod[] }>('GET', `/api/v1/namespaces/${namespace}/pods`);
    return list.items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  };
  const isCanary = ({ metadata }: Pod): boolean => metadata.name.startsWith('web-canary-');
  // kubectl may end long after its write.
  let lastBeforeApply: number | undefined;
  const reach: Shop['reach'] = (what, fits) => {
    let next = Math.max(0, lastBeforeApply ?? statuses.length - 1);
    lastBeforeApply = undefined;
    return eventually(
      () => {
        for (; next < statuses.length; next += 1) {
          const seen = statuses[next]?.seen;
          if (seen !== undefined && fits(seen)) return seen;
        }
        return undefined;
      },
      () => `${what}; now ${JSON.stringify(status())}`,
    );
  };
  return {
    namespace,
    load,
    statuses,
    routes: routeSightings,
    status,
    reach,
    optIn: async () => {
      await lab.kubectl(['label', 'namespace', namespace, 'kanari.dev/rollouts=enabled']);
      await reach('opted in', ({ phase }) => phase === 'Initialized');
      // The API server learns of the label in its own time; a change before that would go out natively. And a Kanari
      // that has just been started writes the Canary before it answers reviews.
      await eventually(
        async () => (await isHeldAtAChange(lab, namespace, 'opted in').catch(() => false)) || undefined,
        () => `admission asks about ${namespace}`,
      );
    },
    apply: (nextTag) => {
      current = nextTag;
      lastBeforeApply = statuses.length - 1;
      return apply(deploymentYaml(nextTag, replicas));
    },
    drift: async () => {
      const args = ['diff', '-n', namespace, '-f', '-'];
      const { code, stdout, stderr } = await lab.kubectl(args, { stdin: manifests(), allowFailure: true });
      // Without a difference to show, only code 0 says that there is none.
      return code === 0 ? stdout : stdout || stderr;
    },
    primaryPods: async () =>
      (await pods())
        .filter((pod) => !isCanary(pod))
        .map((pod) => pod.metadata.uid ?? '')
        .sort(),
    canaryPods: async () => (await pods()).filter(isCanary),
    stop: async () => {
      ended.abort();
      await load.stop();
    },
  };
};

/** So many answers in a row, for proxies learn of a Service's endpoints after the Service. */
const PROBES = 20;

const answers = async (port: number, host: string): Promise<boolean> => {
  const probe = startLoad({ port, host, rps: 20, timeoutMs: 2_000 });
  await eventually(
    () => probe.total().requests >= PROBES || undefined,
    () => `${PROBES} answers from ${host}`,
  );
  await probe.stop();
  return probe.total().failures === 0;
};

/** The canary's share in the first route of a VirtualService; undefined when it is not split. */
export const canaryShare = ({ spec }: VirtualService): number | undefined =>
  spec.http?.[0]?.route?.find(({ destination }) => destination.subset === 'kanari-canary')?.weight;

/** Whether a run has reached the weight and collects evidence there. */
export const stepStands =
  (weight: number) =>
  ({ canaryWeight, run, phase }: CanaryStatus): boolean =>
    phase === 'Progressing' && canaryWeight === weight && run?.stepSince !== undefined;

/** Requests that a version answered while the Canary showed this phase and weight. */
export const answered = ({ load }: Shop, phase: string, version: string): number =>
  load.counts().find((counts) => counts.phase === phase)?.versions[version]?.requests ?? 0;
