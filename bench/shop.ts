import type { Deployment, Namespace } from '../src/core/objects.ts';

// What the benchmarks are asked about: a Deployment in an opted-in namespace with Istio's proxies.

export const NAMESPACE: Namespace = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'shop', labels: { 'kanari.dev/rollouts': 'enabled', 'istio-injection': 'enabled' } },
};

/** Sizes of a Deployment in bytes of JSON: an ordinary one, and one with a great deal of configuration in it. */
export const SIZES: Readonly<Record<string, number>> = { '4 KiB': 4_096, '50 KiB': 51_200 };

const variable = (index: number) => ({ name: `VARIABLE_${index}`, value: `value number ${index} of this` });

/** As its user applies it; environment variables make up the size. */
export const manifest = (tag: string, bytes: number): Deployment => {
  const bare = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop' },
    spec: {
      replicas: 4,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [] } },
    },
  };
  const env: ReturnType<typeof variable>[] = [];
  for (let size = JSON.stringify(bare).length; size < bytes; ) {
    const next = variable(env.length);
    env.push(next);
    size += JSON.stringify(next).length + 1;
  }
  const { template, ...spec } = bare.spec;
  const containers = [{ name: 'web', image: `web:${tag}`, env }];
  return { ...bare, spec: { ...spec, template: { ...template, spec: { containers } } } };
};

/** As it is stored while all of it serves. */
export const serving = (tag: string, bytes: number): Deployment => {
  const wanted = manifest(tag, bytes);
  return {
    ...wanted,
    metadata: { ...wanted.metadata, generation: 3 },
    status: {
      observedGeneration: 3,
      replicas: 4,
      updatedReplicas: 4,
      readyReplicas: 4,
      availableReplicas: 4,
    },
  };
};
