import { type Load, startLoad } from '../../lab/load.ts';
import { waitForCondition } from '../../lab/wait-for.ts';
import type { CanaryStatus } from '../../src/core/run.ts';
import type { Canary } from '../../src/core/snapshot.ts';
import { eventually, type ReleaseWorld } from './release-world.ts';

// Many Deployments in one namespace, each behind a Service and a route of its own, released at once.

export interface Member {
  name: string;
  /** Of its Deployment, without `kanari.dev/`. */
  settings?: Record<string, string>;
}

export interface Fleet {
  /** Releases a tag of each that is named. */
  release(tag: string, names: readonly string[]): Promise<void>;
  /** Sets annotations of the Deployments that are named, without `kanari.dev/`. */
  set(settings: Record<string, string>, names: readonly string[]): Promise<void>;
  status(name: string): CanaryStatus | undefined;
  /** Resolves with the first status, from the last one on, that fits. */
  reach(name: string, what: string, fits: (status: CanaryStatus) => boolean): Promise<CanaryStatus>;
  /** Requests per second to one of them; stopped with the fleet. */
  load(name: string, rps: number): Load;
  stop(): Promise<void>;
}

const deployment = ({ name, settings = {} }: Member, tag: string): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    name,
    annotations: Object.fromEntries(
      Object.entries(settings).map(([key, value]) => [`kanari.dev/${key}`, value]),
    ),
  },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'web', image: `web:${tag}`, ports: [{ containerPort: 8080 }] }] },
    },
  },
});

const service = ({ name }: Member): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
});

const route = ({ name }: Member): object => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name },
  spec: { hosts: [name], http: [{ retries: { attempts: 0 }, route: [{ destination: { host: name } }] }] },
});

const listOf = (items: readonly object[]): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'List', items });

/** Brings all of them up in the version `v1`, opted in. */
export const openFleet = async (
  { lab, mesh }: ReleaseWorld,
  {
    namespace,
    members,
    settings,
  }: { namespace: string; members: readonly Member[]; settings: Record<string, string> },
): Promise<Fleet> => {
  const annotations = Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [`kanari.dev/${key}`, value]),
  );
  const apply = async (items: readonly object[]): Promise<void> =>
    void (await lab.kubectl(['apply', '-n', namespace, '-f', '-'], { stdin: listOf(items) }));
  const labels = { 'istio-injection': 'enabled', 'kanari.dev/rollouts': 'enabled' };
  await lab.api.request('POST', '/api/v1/namespaces', { metadata: { name: namespace, labels, annotations } });
  await apply(members.flatMap((member) => [service(member), route(member), deployment(member, 'v1')]));
  await waitForCondition(lab, 'Available', ['-n', namespace, 'deployment', '--all']);

  const ended = new AbortController();
  const statuses = new Map<string, CanaryStatus[]>(members.map(({ name }) => [name, []]));
  const canaries = `/apis/kanari.dev/v1alpha1/namespaces/${namespace}/canaries`;
  lab.api.mirror<Canary>(canaries, ended.signal).onChange(({ metadata, status }) => {
    if (status?.phase !== undefined) statuses.get(metadata.name)?.push(status);
  });
  const status: Fleet['status'] = (name) => statuses.get(name)?.at(-1);
  const reach: Fleet['reach'] = (name, what, fits) => {
    const seen = statuses.get(name) ?? [];
    const from = Math.max(0, seen.length - 1);
    return eventually(
      () => seen.slice(from).find(fits),
      () => `${what} of ${name}; now ${JSON.stringify(status(name))}`,
    );
  };
  await Promise.all(
    members.map(({ name }) => reach(name, 'the opt-in', ({ phase }) => phase === 'Initialized')),
  );
  const loads: Load[] = [];
  return {
    status,
    reach,
    release: (tag, names) =>
      apply(members.filter(({ name }) => names.includes(name)).map((member) => deployment(member, tag))),
    set: async (changed, names) => {
      const added = Object.entries(changed).map(([key, value]) => `kanari.dev/${key}=${value}`);
      await lab.kubectl(['annotate', '-n', namespace, '--overwrite', 'deployment', ...names, ...added]);
    },
    load: (name, rps) => {
      const load = startLoad({ port: mesh.httpPort, host: `${name}.${namespace}`, rps });
      loads.push(load);
      return load;
    },
    stop: async () => {
      ended.abort();
      await Promise.all(loads.map((load) => load.stop()));
    },
  };
};
