import { expect, it } from 'vitest';
import type { Deployment, ReplicaSet } from '../../src/core/objects.ts';
import { createDeploymentDecision } from '../../src/webhook/deployment-decision.ts';
import type { AdmissionRequest } from '../../src/webhook/review.ts';
import { deployment, orphan, template } from '../core/deployment-fixtures.ts';
import { createStores } from '../scheduler/fake-cluster.ts';

// What the decision about Deployments takes from the caches.

const leftBehind = (metadata: Partial<ReplicaSet['metadata']> = {}): ReplicaSet => {
  const set = orphan('web:v1');
  return {
    ...set,
    metadata: { ...set.metadata, uid: 'r1', resourceVersion: '1', labels: { app: 'web' }, ...metadata },
  };
};

const creating = (selector: Deployment['spec']['selector'], replicaSet: ReplicaSet) => {
  const stores = createStores();
  stores.fill('replicaSets', replicaSet);
  const told: string[] = [];
  const decide = createDeploymentDecision({
    namespaces: stores.namespaces,
    canaryPolicies: stores.canaryPolicies,
    replicaSets: stores.replicaSets,
    ownUsername: () => 'kanari',
    metricsConfigured: true,
    callersOutsideMesh: () => false,
    onUngated: (_, reason) => told.push(reason),
  });
  const ask = (dryRun: boolean, object = deployment({ template: template('web:v2'), spec: { selector } })) =>
    decide({
      uid: 'u',
      operation: 'CREATE',
      kind: { group: 'apps', version: 'v1', kind: 'Deployment' },
      namespace: 'shop',
      name: 'web',
      username: 'jo',
      dryRun,
      object,
    } as unknown as AdmissionRequest).reason;
  return { ask, told };
};

const byLabel = { matchLabels: { app: 'web' } };

it.each<[string, Deployment['spec']['selector'], ReplicaSet, string]>([
  ['by its labels', byLabel, leftBehind(), 'OrphansFound'],
  [
    'by an expression',
    { matchExpressions: [{ key: 'app', operator: 'In', values: ['web'] }] },
    leftBehind(),
    'OrphansFound',
  ],
  ['not by another label', { matchLabels: { app: 'api' } }, leftBehind(), 'Created'],
  [
    'not while it has a controller',
    byLabel,
    leftBehind({
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'x', uid: 'x', controller: true }],
    }),
    'Created',
  ],
  ['not in another namespace', byLabel, leftBehind({ namespace: 'other' }), 'Created'],
])('finds what a deleted Deployment left %s', (_how, selector, set, reason) => {
  expect(creating(selector, set).ask(false)).toBe(reason);
});

it('tells of a release without a canary when it is stored, not of a dry run', () => {
  const { ask, told } = creating(byLabel, leftBehind());
  const skipped = deployment({ template: template('web:v2'), annotations: { 'kanari.dev/skip': 'yes' } });
  expect([ask(true, skipped), told]).toEqual(['Skipped', []]);
  expect([ask(false, skipped), told]).toEqual(['Skipped', ['Skipped']]);
});
