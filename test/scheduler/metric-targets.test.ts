import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/core/objects.ts';
import type { CanaryStatus } from '../../src/core/run.ts';
import { formatSplits } from '../../src/core/split-annotation.ts';
import { customTargets, metricTargets } from '../../src/scheduler/metric-targets.ts';
import { deployment, namespace } from '../core/deployment-fixtures.ts';
import { canaryOf, createStores } from './fake-cluster.ts';

const EVIDENCE = { since: '2026-11-21T02:00:00Z', pods: [] };
const OWNED = {
  ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'u1', controller: true }],
};

const canaryService = (name: string, split: Record<string, string[]>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    name,
    namespace: 'shop',
    uid: name,
    resourceVersion: '3',
    labels: { 'app.kubernetes.io/managed-by': 'kanari' },
    annotations: {
      'kanari.dev/split': formatSplits(
        Object.fromEntries(Object.entries(split).map(([by, services]) => [by, { services, weight: 0 }])),
      ),
    },
    ...OWNED,
  },
});

const targetsOf = (run: object, annotations: Record<string, string> = {}, services: KubeObject[] = []) => {
  const stores = createStores();
  stores.fill('namespaces', namespace());
  const primary = deployment({ annotations });
  stores.fill('deployments', { ...primary, metadata: { ...primary.metadata, uid: 'u1' } });
  stores.fill('canaries', canaryOf({ run } as unknown as CanaryStatus));
  stores.fill('services', ...services);
  return metricTargets(stores);
};

const NOW = new Date('2026-11-21T02:05:00Z');

/** Of a run whose policy has a metric of its own, or none, and an interval of a minute. */
const ownTargetsOf = (run: object, metrics: object[] = [{ name: 'queue', query: 'queue', max: 5 }]) => {
  const stores = createStores();
  stores.fill('namespaces', namespace());
  const primary = deployment({ annotations: { 'kanari.dev/policy': 'careful' } });
  stores.fill('deployments', { ...primary, metadata: { ...primary.metadata, uid: 'u1' } });
  stores.fill('canaries', canaryOf({ run } as unknown as CanaryStatus));
  stores.fill('canaryPolicies', {
    apiVersion: 'kanari.dev/v1alpha1',
    kind: 'CanaryPolicy',
    metadata: { name: 'careful', namespace: 'shop', uid: 'p1', resourceVersion: '4' },
    spec: { metrics },
  } as KubeObject);
  return customTargets(stores, NOW);
};

describe('the metrics server', () => {
  it('is asked about a run with traffic, by the name of its canary and its limit', () => {
    expect(targetsOf({ evidence: EVIDENCE })).toEqual([
      {
        key: 'shop/web',
        workload: 'web-canary',
        canaryServices: [],
        latency: { quantile: 0.99, limitMs: 500 },
      },
    ]);
  });

  it.each([
    ['that has had no traffic', {}],
    ['that is over', { evidence: EVIDENCE, endedAt: '2026-11-21T02:00:00Z' }],
  ])('is asked nothing about a run %s', (_, run) => {
    expect(targetsOf(run)).toEqual([]);
  });

  it('is asked about the primary too where the canary is compared with it, by the Services beside', () => {
    const services = [
      canaryService('web-canary', { web: ['web', 'admin'] }),
      canaryService('admin-canary', { web: ['web', 'admin'], other: ['other'] }),
    ];
    const [compared] = targetsOf({ evidence: EVIDENCE }, { 'kanari.dev/compare': 'primary' }, services);
    expect(compared).toMatchObject({
      canaryServices: ['web-canary', 'admin-canary'],
      primary: { workload: 'web', services: ['web', 'admin'] },
    });
    const [alone] = targetsOf({ evidence: EVIDENCE }, {}, services);
    expect(alone).not.toHaveProperty('primary');
  });
});

describe("the servers of a user's own metrics", () => {
  it('are asked once the interval is over, by the names of both Deployments', () => {
    expect(ownTargetsOf({ evidence: EVIDENCE, stepSince: '2026-11-21T02:04:00.000Z' })).toMatchObject([
      {
        key: 'shop/web',
        primary: 'web',
        canary: 'web-canary',
        intervalMs: 60_000,
        metrics: [{ name: 'queue' }],
      },
    ]);
  });

  it.each<[string, object, object[]?]>([
    ['before that', { evidence: EVIDENCE, stepSince: '2026-11-21T02:04:00.001Z' }],
    ['between steps', { evidence: EVIDENCE }],
    ['before the canary has traffic', { stepSince: '2026-11-21T02:00:00Z' }],
    [
      'of a run that is over',
      { evidence: EVIDENCE, stepSince: '2026-11-21T02:00:00Z', endedAt: '2026-11-21T02:00:00Z' },
    ],
    ['where there are none', { evidence: EVIDENCE, stepSince: '2026-11-21T02:00:00Z' }, []],
  ])('are asked nothing %s', (_, run, metrics) => {
    expect(ownTargetsOf(run, metrics)).toEqual([]);
  });
});
