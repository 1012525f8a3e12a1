import { decideAdmission } from '../src/core/admission.ts';
import type { Deployment, Namespace } from '../src/core/objects.ts';
import type { Benchmark } from './measure.ts';

const NAMESPACE: Namespace = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'shop', labels: { 'kanari.dev/rollouts': 'enabled', 'istio-injection': 'enabled' } },
};

/** A serving Deployment of about this many bytes, most of them environment variables. */
const deployment = (tag: string, bytes: number): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'shop', generation: 3 },
  spec: {
    replicas: 4,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        containers: [
          {
            name: 'web',
            image: `web:${tag}`,
            env: Array.from({ length: Math.ceil(bytes / 60) }, (_, i) => ({
              name: `VARIABLE_${i}`,
              value: `value number ${i} of this`,
            })),
          },
        ],
      },
    },
  },
  status: { observedGeneration: 3, replicas: 4, updatedReplicas: 4, readyReplicas: 4, availableReplicas: 4 },
});

const deciding = (bytes: number, tag: string): (() => unknown) => {
  const [object, oldObject] = [deployment(tag, bytes), deployment('v1', bytes)];
  return () =>
    decideAdmission({
      operation: 'UPDATE',
      object,
      oldObject,
      namespace: NAMESPACE,
      username: 'jo',
      ownUsername: 'kanari',
      orphans: [],
      metricsConfigured: true,
    });
};

/** The pure decision, without TLS and JSON. */
export const admissionBenchmarks = (): Benchmark[] => [
  { name: 'hold, 4 KiB', run: deciding(4_096, 'v2') },
  { name: 'hold, 50 KiB', run: deciding(51_200, 'v2') },
  { name: 'same template, 4 KiB', run: deciding(4_096, 'v1') },
  { name: 'same template, 50 KiB', run: deciding(51_200, 'v1') },
];
