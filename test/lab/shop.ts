import { expect, vi } from 'vitest';
import type { CommandResult } from '../../lab/command.ts';
import { type Kanari, type KanariOptions, startKanari } from '../../lab/kanari.ts';
import { type KubectlOptions, type Lab, startLab } from '../../lab/lab.ts';
import type {
  Deployment,
  KubeObject,
  Namespace,
  Pod,
  ReplicaSet,
  StringMap,
} from '../../src/core/objects.ts';
import type { Phase } from '../../src/core/run.ts';
import type { Canary } from '../../src/core/snapshot.ts';
import { microTime } from '../../src/kube/micro-time.ts';

// A lab with Kanari in it, and namespaces in which the Deployment `web` is released.

/** Runs take as long as their pods need, and one interval. */
export const QUICK = { 'kanari.dev/interval': '5s', 'kanari.dev/steps': '50' };
/** Nothing is judged while a test looks at the hold; then the run may go on. */
export const SLOW = { 'kanari.dev/interval': '30m', 'kanari.dev/steps': '50' };

const WAIT_MS = 180_000;

/** Tries until it passes: a condition to wait for, however slow the machine is. */
export const eventually = <T>(check: () => Promise<T> | T): Promise<T> =>
  vi.waitFor(check, { timeout: WAIT_MS, interval: 150 });

export interface WebOptions {
  replicas?: number;
  annotations?: StringMap;
  /** Further fields of the Deployment's spec. */
  spec?: Partial<Deployment['spec']>;
}

/** A manifest as its user keeps it in Git: nothing of Kanari's, no namespace. */
export const web = (tag: string, { replicas = 2, annotations, spec }: WebOptions = {}): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', ...(annotations === undefined ? {} : { annotations }) },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'web', image: `web:${tag}`, ports: [{ containerPort: 8080 }] }] },
    },
    ...spec,
  },
});

export const webService: KubeObject & { spec: object } = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
};

export interface EventRecord extends KubeObject {
  type: string;
  reason: string;
  message: string;
  involvedObject: { kind: string; name: string };
}

/** One namespace. */
export interface Shop {
  namespace: string;
  /** From the beginning. */
  optedIn: boolean;
  /** In this namespace, as the administrator. Rejects when kubectl fails, unless that is allowed. */
  kubectl(args: readonly string[], options?: KubectlOptions): Promise<CommandResult>;
  /** `kubectl apply -f -` of manifests, with further arguments. */
  apply(objects: KubeObject | readonly KubeObject[], ...args: string[]): Promise<CommandResult>;
  /** `kubectl apply` that is meant to be refused, or to differ. */
  tryKubectl(args: readonly string[], stdin?: KubeObject): Promise<CommandResult>;
  get<T extends KubeObject>(resource: string, name: string): Promise<T>;
  list<T extends KubeObject>(resource: string): Promise<T[]>;
  deployment(name?: string): Promise<Deployment>;
  canary(): Promise<Canary>;
  /** Of the user's Deployment, by its UID. */
  replicaSets(): Promise<ReplicaSet[]>;
  /** Of the user's Deployment, by name; those that are being deleted too. */
  pods(): Promise<Pod[]>;
  events(): Promise<EventRecord[]>;
  /** Waits for the phase of the Canary `web`. */
  reaches(phase: Phase): Promise<Canary>;
  /** Waits until the canary's share has been seen in every route: `canaryWeight` says what is about to be written. */
  standsAt(weight: number): Promise<Canary>;
  /** Applies v1 (or another version) and waits until all of it serves. */
  opens(first?: Deployment, ...args: string[]): Promise<void>;
  /** Waits until the native rollout is complete and its old pods are gone. */
  settles(): Promise<void>;
  /** A run that has waited for the test, at its steps of half an hour, goes on by other defaults of its namespace. */
  goesOn(annotations?: StringMap): Promise<void>;
}

export interface ShopOptions {
  /** Default true. */
  optedIn?: boolean;
  /** Defaults of the namespace. */
  annotations?: StringMap;
}

export interface World {
  lab: Lab;
  kanari: Kanari;
  openShop(namespace: string, options?: ShopOptions): Promise<Shop>;
  /** The sum of a counter of Kanari's over all its labels, or those of which the text is part. */
  counter(name: string, labels?: string): Promise<number>;
  stop(): Promise<void>;
}

export interface WorldOptions extends KanariOptions {
  /** Default true. Else its scheduler waits for another process, which there is not: admission is all that acts. */
  leads?: boolean;
  /** Done before Kanari starts: a kind that is installed later is noticed within half a minute. */
  prepare?: (lab: Lab) => Promise<void>;
}

/** Without a metrics server unless given one: readiness and restarts decide. */
export const startWorld = async ({
  leads = true,
  prepare,
  ...options
}: WorldOptions = {}): Promise<World> => {
  const lab = await startLab({ kubelet: { startupMs: 200, graceCapMs: 300, crashEveryMs: 1000 } });
  try {
    if (!leads) await leaseToAnother(lab);
    await prepare?.(lab);
    const kanari = await startKanari(lab, { propagationWait: '1s', ...options });
    const openShopHere = async (namespace: string, options: ShopOptions = {}): Promise<Shop> => {
      const shop = await openShop(lab, namespace, options);
      if (shop.optedIn) await isAdmitted(lab, namespace);
      return shop;
    };
    await openShopHere('warm-up');
    const counter = async (name: string, labels = ''): Promise<number> =>
      sumOf(await (await fetch(`${kanari.operationsUrl}/metrics`)).text(), name, labels);
    return { lab, kanari, openShop: openShopHere, counter, stop: () => lab.stop() };
  } catch (error) {
    await lab.stop();
    throw error;
  }
};

const leaseToAnother = (lab: Lab): Promise<unknown> =>
  lab.api.request('POST', '/apis/coordination.k8s.io/v1/namespaces/kanari-system/leases', {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'kanari' },
    spec: { holderIdentity: 'another', leaseDurationSeconds: 86_400, renewTime: microTime(Date.now()) },
  });

/** The API server learns of a webhook, of its certificate and of a namespace's label some time later. */
const isAdmitted = ({ api }: Lab, namespace: string): Promise<void> =>
  eventually(async () => {
    const path = `/apis/apps/v1/namespaces/${namespace}/deployments?dryRun=All`;
    const { spec } = await api.request<Deployment>('POST', path, web('v0'));
    expect(spec.template.metadata?.labels).toHaveProperty(['kanari.dev/version']);
  });

const sumOf = (exposition: string, name: string, labels: string): number =>
  exposition
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) && line.includes(labels))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);

const COLLECTIONS: Record<string, string> = {
  deployments: 'apis/apps/v1',
  replicasets: 'apis/apps/v1',
  controllerrevisions: 'apis/apps/v1',
  pods: 'api/v1',
  events: 'api/v1',
  canaries: 'apis/kanari.dev/v1alpha1',
  virtualservices: 'apis/networking.istio.io/v1',
  destinationrules: 'apis/networking.istio.io/v1',
  httproutes: 'apis/gateway.networking.k8s.io/v1',
  grpcroutes: 'apis/gateway.networking.k8s.io/v1',
  endpointslices: 'apis/discovery.k8s.io/v1',
};

/** A namespace of a lab, whoever started it. */
export const openShop = async (
  lab: Lab,
  namespace: string,
  { optedIn = true, annotations = {} }: ShopOptions = {},
): Promise<Shop> => {
  const labels = optedIn ? { 'kanari.dev/rollouts': 'enabled' } : {};
  const created: Namespace = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace, labels, annotations },
  };
  await lab.api.request('POST', '/api/v1/namespaces', created);
  const kubectl: Shop['kubectl'] = (args, options) => lab.kubectl(['-n', namespace, ...args], options);
  const reading = readsIn(lab, namespace);
  const apply: Shop['apply'] = (objects, ...args) => {
    const items = [objects].flat();
    const manifest = items.length === 1 ? items[0] : { apiVersion: 'v1', kind: 'List', items };
    return kubectl(['apply', '-f', '-', ...args], { stdin: JSON.stringify(manifest) });
  };
  const settles = async (): Promise<void> => {
    await kubectl(['rollout', 'status', 'deployment/web', '--timeout=180s']);
    await eventually(async () => {
      const { replicas } = (await reading.deployment()).spec;
      expect(await reading.pods()).toHaveLength(replicas ?? 1);
    });
  };
  return {
    namespace,
    optedIn,
    kubectl,
    apply,
    tryKubectl: (args, stdin) =>
      kubectl(args, {
        allowFailure: true,
        ...(stdin === undefined ? {} : { stdin: JSON.stringify(stdin) }),
      }),
    ...reading,
    opens: async (first = web('v1'), ...args) => {
      await apply([webService, first], ...args);
      await settles();
    },
    settles,
    goesOn: async (annotations = { 'kanari.dev/interval': '5s' }) => {
      const settings = Object.entries(annotations).map(([key, value]) => `${key}=${value}`);
      await lab.kubectl(['annotate', 'namespace', namespace, '--overwrite', ...settings]);
    },
  };
};

type Writes = 'kubectl' | 'apply' | 'tryKubectl' | 'opens' | 'settles' | 'goesOn';
type Reads = Omit<Shop, 'namespace' | 'optedIn' | Writes>;

const readsIn = (lab: Lab, namespace: string): Reads => {
  const pathOf = (resource: string): string =>
    `/${COLLECTIONS[resource] ?? 'api/v1'}/namespaces/${namespace}/${resource}`;
  const get: Reads['get'] = (resource, name) => lab.api.request('GET', `${pathOf(resource)}/${name}`);
  const list = async <T extends KubeObject>(resource: string): Promise<T[]> =>
    (await lab.api.request<{ items: T[] }>('GET', pathOf(resource))).items;
  const deployment: Reads['deployment'] = (name = 'web') => get('deployments', name);
  const canary = (): Promise<Canary> => get('canaries', 'web');
  const shows = (status: object): Promise<Canary> =>
    eventually(async () => {
      const found = await canary();
      expect(found.status, JSON.stringify(found.status)).toMatchObject(status);
      return found;
    });
  const replicaSets = async (): Promise<ReplicaSet[]> => {
    const { uid } = (await deployment()).metadata;
    return (await list<ReplicaSet>('replicasets')).filter((set) => isOwnedBy(set, uid));
  };
  return {
    get,
    list,
    deployment,
    canary,
    replicaSets,
    pods: async () => {
      const [pods, sets] = await Promise.all([list<Pod>('pods'), replicaSets()]);
      return pods.filter((pod) => sets.some((set) => isOwnedBy(pod, set.metadata.uid)));
    },
    events: () => list<EventRecord>('events'),
    reaches: (phase) => shows({ phase }),
    standsAt: (canaryWeight) => shows({ canaryWeight, run: { stepSince: expect.any(String) as string } }),
  };
};

/**
 * Resolves once admission would not take a creation of `web` for the first one: its cache hears a moment later that a
 * deletion with orphan propagation has left ReplicaSets. The words are of the warning that it then has, else any.
 */
export const hearsOfOrphans = (shop: Shop, words = 'kanari: '): Promise<void> =>
  eventually(async () => {
    const { stderr } = await shop.tryKubectl(['create', '--dry-run=server', '-f', '-'], web('unheard-of'));
    expect(stderr).toContain(words);
  });

const isOwnedBy = ({ metadata }: KubeObject, uid: string | undefined): boolean =>
  metadata.ownerReferences?.some((owner) => owner.uid === uid) === true;

export const uidsOf = (objects: readonly KubeObject[]): (string | undefined)[] =>
  objects.map(({ metadata }) => metadata.uid).sort();

export const imageOf = ({ spec }: { spec: Pick<Deployment['spec'], 'template'> }): string | undefined =>
  spec.template.spec.containers?.[0]?.image;
