import { describe, expect, test } from 'vitest';
import { REVISION_ANNOTATION, VERSION_LABEL } from '../../../src/core/marks.ts';
import type { ReplicaSet } from '../../../src/core/objects.ts';
import { plan } from '../../../src/core/plan/plan.ts';
import { at, failed, opened } from './run-beginnings.ts';
import { templateOf } from './simulated-admission.ts';
import type { SimulatedCluster } from './simulated-cluster.ts';

// What is looked at in every plan, run or no run, and how it is put right.

const replicaSet = (name: string, tag: string, replicas: number): ReplicaSet => ({
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: { name, uid: name, namespace: 'shop' },
  spec: { replicas, selector: { matchLabels: { app: 'web' } }, template: templateOf(tag) },
});

const images = (cluster: SimulatedCluster) =>
  cluster.replicaSets
    .filter(({ spec }) => (spec.replicas ?? 0) > 0)
    .map(({ spec }) => spec.template.spec.containers?.[0]?.image);

const kinds = (cluster: SimulatedCluster): string[] =>
  plan(cluster.snapshot(), cluster.now).effects.map(({ kind }) => kind);

describe("the primary's ReplicaSet, deleted while another template is held,", () => {
  test.each<[string, () => SimulatedCluster]>([
    ['in a run', () => at(20)],
    ['after a failed one', failed],
    [
      'at zero replicas',
      () => {
        const cluster = at(20);
        cluster.deployment.spec.replicas = 0;
        cluster.runToEnd({ seconds: 60 });
        return cluster;
      },
    ],
  ])('%s, comes back from its kept template', (_when, begin) => {
    const cluster = begin();
    cluster.replicaSets = [];
    cluster.runToEnd({ seconds: 5 });
    cluster.deployment.spec.replicas = 4;
    cluster.runToEnd({ seconds: 60 });
    expect([images(cluster), cluster.deployment.spec.paused]).toEqual([['web:v1'], false]);
    expect(cluster.canary?.status?.history[0]).toMatchObject({ outcome: 'Reverted', reason: 'PrimaryLost' });
    expect(cluster.events).toContainEqual(expect.stringContaining('is restored and released'));
    expect([cluster.weight, cluster.canaryDeployment, cluster.ungated]).toEqual([undefined, undefined, []]);
    const labels = cluster.deployment.spec.template.metadata?.labels;
    expect(labels).not.toHaveProperty('pod-template-hash');
    expect(labels).toMatchObject({ [VERSION_LABEL]: 'primary' });
  });

  test('is not taken for found because an older one comes up in its place', () => {
    const cluster = at(20);
    cluster.replicaSets = [replicaSet('older', 'v0', 4)];
    cluster.runToEnd({ seconds: 60 });
    expect(images(cluster)).toEqual(['web:v1']);
  });

  test('is explained where its template was not kept', () => {
    const cluster = at(20);
    cluster.kept = [];
    cluster.replicaSets = [];
    cluster.runToEnd({ seconds: 30 });
    expect(cluster.canary?.status).toMatchObject({
      reason: 'PrimaryLost',
      message: expect.stringContaining('apply that version again') as string,
    });
    expect(cluster.deployment.spec.paused).toBe(true);
  });

  test('comes back by the revert that a person applies', () => {
    const cluster = at(20);
    cluster.kept = [];
    cluster.replicaSets = [];
    cluster.hold('v1');
    cluster.runToEnd({ seconds: 60 });
    expect([images(cluster), cluster.phase]).toEqual([['web:v1'], 'Initialized']);
  });
});

describe('a ReplicaSet of the canary that the primary has taken over', () => {
  const orphaned = (): ReplicaSet => {
    const set = replicaSet('web-canary-1', 'v2', 2);
    const metadata = {
      labels: { app: 'web', [VERSION_LABEL]: 'canary' },
      annotations: { [REVISION_ANNOTATION]: 'x' },
    };
    return { ...set, spec: { ...set.spec, template: { ...set.spec.template, metadata } } };
  };

  test.each([
    ['in a run', () => at(20)],
    ['after a failed one', failed],
    ['while nothing runs', opened],
  ])('%s is deleted at once, and never taken for the primary', (_when, begin) => {
    const cluster = begin();
    cluster.replicaSets = [orphaned(), ...cluster.replicaSets];
    cluster.look();
    expect(cluster.replicaSets.map(({ metadata }) => metadata.name)).not.toContain('web-canary-1');
    expect(cluster.events.join()).toContain('Deleting the ReplicaSet web-canary-1');
    expect(images(cluster)).toEqual(['web:v1']);
  });

  test('is left alone where the Deployment itself was copied from a canary', () => {
    const cluster = opened();
    cluster.deployment.spec.template = { ...orphaned().spec.template };
    cluster.replicaSets = [orphaned()];
    expect(kinds(cluster)).not.toContain('deleteReplicaSet');
  });
});

describe('pods that serve without the label of the primary', () => {
  test('get it while a split stands: it would pass them by', () => {
    const cluster = at(20);
    cluster.slip('v3', 'put');
    cluster.tick();
    expect(cluster.replicaSets[0]?.spec.template.metadata?.labels).not.toHaveProperty(VERSION_LABEL);
    cluster.runToEnd({ until: () => cluster.weight === 0 });
    cluster.runToEnd({ seconds: 1 });
    expect(cluster.replicaSets[0]?.spec.template.metadata?.labels).toMatchObject({
      [VERSION_LABEL]: 'primary',
    });
    expect(cluster.weight).toBe(0);
  });

  test('are left alone where nothing is split', () => {
    const cluster = opened();
    cluster.slip('v3', 'put');
    cluster.runToEnd({ seconds: 20 });
    expect(cluster.replicaSets[0]?.spec.template.metadata?.labels).not.toHaveProperty(VERSION_LABEL);
  });
});

describe('a hold without a run', () => {
  const broken = (cluster: SimulatedCluster): void => {
    cluster.replicaSets = [
      ...cluster.replicaSets.map((set) => ({ ...set, spec: { ...set.spec, replicas: 0 } })),
      replicaSet('other', 'v0', 4),
    ];
  };

  test('that something else has broken says so, once, and that it is over', () => {
    const cluster = failed();
    const whole = cluster.replicaSets;
    broken(cluster);
    cluster.runToEnd({ seconds: 60 });
    expect(cluster.canary?.status).toMatchObject({ phase: 'Failed', reason: 'HoldBroken' });
    expect(cluster.events.filter((message) => message.startsWith('Hold broken'))).toHaveLength(1);
    cluster.replicaSets = whole;
    cluster.runToEnd({ seconds: 10 });
    expect(cluster.canary?.status).toMatchObject({ phase: 'Failed', reason: 'FailedBefore' });
  });

  test('that is opted out is left, with the way to release it, and taken up again', () => {
    const cluster = failed();
    cluster.optedIn = false;
    cluster.runToEnd({ seconds: 10 });
    expect(cluster.canary?.status).toMatchObject({
      reason: 'OptedOut',
      message: expect.stringContaining('kubectl rollout resume deployment/web') as string,
    });
    const { writes } = cluster;
    cluster.runToEnd({ seconds: 10 });
    expect(cluster.writes).toBe(writes);
    cluster.optedIn = true;
    cluster.runToEnd({ seconds: 10 });
    expect(cluster.canary?.status).toMatchObject({ phase: 'Failed', reason: 'FailedBefore' });
  });
});
