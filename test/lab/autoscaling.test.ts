import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIRST_START_MS } from '../../lab/lab.ts';
import { startPodMetrics } from '../../lab/pod-metrics.ts';
import { type Deployment, type KubeObject, labelsOf, type Pod } from '../../src/core/objects.ts';
import { eventually, imageOf, type Shop, SLOW, startWorld, type World, web } from './shop.ts';

// A real HorizontalPodAutoscaler, with the controller that obeys it, on a Deployment that is held, split and promoted.

let world: World;
beforeAll(async () => {
  world = await startWorld();
}, FIRST_START_MS);
afterAll(() => world?.stop());

/** Of these a pod uses 50m when it has as much to do as the autoscaler wants it to have. */
const PER_POD_M = 50;

const scaled = (tag: string): Deployment => {
  const manifest = web(tag);
  // Who leaves the scaling to an autoscaler leaves the number out.
  delete manifest.spec.replicas;
  const [container] = manifest.spec.template.spec.containers ?? [];
  Object.assign(container ?? {}, { resources: { requests: { cpu: '100m' } } });
  return manifest;
};

interface Autoscaler extends KubeObject {
  spec: object;
  status?: {
    desiredReplicas: number;
    currentMetrics?: { resource?: { current: { averageUtilization?: number } } }[];
    conditions?: { type: string; status: string; reason: string }[];
  };
}

const AT_ONCE = {
  stabilizationWindowSeconds: 0,
  policies: [{ type: 'Pods', value: 100, periodSeconds: 1 }],
};
const autoscaler: Autoscaler = {
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: 'web' },
  spec: {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
    minReplicas: 1,
    maxReplicas: 20,
    metrics: [
      {
        type: 'Resource',
        resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } },
      },
    ],
    behavior: { scaleUp: AT_ONCE, scaleDown: AT_ONCE },
  },
};

/** What clients ask of all pods together, in pods; the canary's share of it is what its routes say. */
class Demand {
  pods = 4;
  canaryWeight = 0;

  of = (pod: Pod, pods: readonly Pod[]): number => {
    const isCanary = (each: Pod): boolean => labelsOf(each)['kanari.dev/version'] === 'canary';
    const same = pods.filter((each) => isCanary(each) === isCanary(pod)).length;
    const share = isCanary(pod) ? this.canaryWeight : 100 - this.canaryWeight;
    return (this.pods * PER_POD_M * share) / 100 / same;
  };
}

const path = (shop: Shop) => `/apis/autoscaling/v2/namespaces/${shop.namespace}/horizontalpodautoscalers`;
const autoscalerOf = (shop: Shop) => world.lab.api.request<Autoscaler>('GET', `${path(shop)}/web`);

const utilisation = async (shop: Shop): Promise<number | undefined> => {
  const [metric] = (await autoscalerOf(shop)).status?.currentMetrics ?? [];
  return metric?.resource?.current.averageUtilization;
};

const settlesAt = (shop: Shop, sizes: { primary: number; canary: number }): Promise<void> =>
  eventually(async () => {
    const [primary, canary] = await Promise.all([shop.deployment(), shop.deployment('web-canary')]);
    expect({ primary: primary.spec.replicas, canary: canary.spec.replicas }).toEqual(sizes);
    expect(canary.status?.readyReplicas).toBe(sizes.canary);
    expect((await shop.canary()).status).toMatchObject({ canaryWeight: 50, phase: 'Progressing' });
  });

/** Opted in, its routes Istio's, scaled by the autoscaler to what is asked of it. */
const openScaled = async (namespace: string, demand: Demand): Promise<Shop> => {
  const shop = await world.openShop(namespace, { annotations: { ...SLOW, 'kanari.dev/traffic': 'istio' } });
  await startPodMetrics(world.lab, { namespace, usageOf: demand.of });
  await shop.opens(scaled('v1'));
  await shop.apply(autoscaler);
  await eventually(async () => expect((await shop.deployment()).spec.replicas).toBe(demand.pods));
  return shop;
};

describe('an autoscaler on the primary', () => {
  it('works on untouched through hold, steps and promotion, and the canary follows it', async () => {
    const demand = new Demand();
    const shop = await openScaled('autoscaled', demand);
    const before = await autoscalerOf(shop);

    await shop.apply(scaled('v2'));
    await shop.standsAt(50);
    demand.canaryWeight = 50;
    // Its selector matches the canary's pods too, so its average is of all six; and what it wants of that average is
    // a primary for the whole of the traffic, which is what a rollback needs.
    await eventually(async () => expect(await utilisation(shop)).toBe(33));
    await settlesAt(shop, { primary: 4, canary: 2 });

    demand.pods = 10;
    await settlesAt(shop, { primary: 10, canary: 5 });
    // With a demand of 2 it would be content with 1 and 1 as well: all of them together are enough.
    demand.pods = 4;
    await settlesAt(shop, { primary: 4, canary: 2 });
    expect(
      (await shop.pods()).every((pod) => imageOf({ spec: { template: pod as never } }) === 'web:v1'),
    ).toBe(true);

    await shop.kubectl(['annotate', 'canary', 'web', 'kanari.dev/command=promote']);
    demand.pods = 8;
    await shop.reaches('Succeeded');
    demand.canaryWeight = 0;
    await eventually(async () => {
      const { spec, status } = await shop.deployment();
      expect([spec.replicas, status?.updatedReplicas, status?.availableReplicas]).toEqual([8, 8, 8]);
    });

    const after = await autoscalerOf(shop);
    expect(after.spec).toEqual(before.spec);
    expect(after.metadata.annotations).toEqual(before.metadata.annotations);
    await eventually(async () =>
      expect((await autoscalerOf(shop)).status?.conditions).toContainEqual(
        expect.objectContaining({ type: 'ScalingActive', status: 'True' }),
      ),
    );
    const all = await world.lab.api.request<{ items: Autoscaler[] }>('GET', path(shop));
    expect(all.items.map(({ metadata }) => metadata.name)).toEqual(['web']);
  });

  it('scales the primary up again after a rollback, when the canary has gone', async () => {
    const demand = new Demand();
    const shop = await openScaled('autoscaled-back', demand);
    await shop.apply(scaled('v2'));
    await shop.standsAt(50);
    demand.canaryWeight = 50;
    await shop.kubectl(['annotate', 'canary', 'web', 'kanari.dev/command=abort']);
    await shop.reaches('Failed');
    demand.canaryWeight = 0;
    demand.pods = 7;
    await eventually(async () => {
      const { spec, status } = await shop.deployment();
      expect([spec.replicas, status?.readyReplicas, spec.paused]).toEqual([7, 7, true]);
    });
  });
});
