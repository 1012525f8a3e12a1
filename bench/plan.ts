import { plan } from '../src/core/plan/plan.ts';
import { DEFAULT_SETTINGS } from '../src/core/settings.ts';
import type { Snapshot } from '../src/core/snapshot.ts';
import { runBenchmarks } from './measure.ts';

const NOW = new Date('2026-11-21T02:38:00Z');

const idle: Snapshot = {
  key: 'shop/web',
  deployment: {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop', uid: 'd1', generation: 1 },
    spec: {
      replicas: 4,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'web', image: 'web:v1' }] },
      },
    },
  },
  optedIn: true,
  settings: DEFAULT_SETTINGS,
  injection: { labels: { 'kanari.dev/version': 'primary' }, annotations: {} },
  canary: { apiVersion: 'kanari.dev/v1alpha1', kind: 'Canary', metadata: { name: 'web', namespace: 'shop' } },
  replicaSets: [],
  primaryPods: [],
  canaryDeployment: undefined,
  canaryPods: [],
  takenNames: [],
  disruptionBudgets: [],
  kept: [],
  traffic: {
    provider: 'istio',
    services: ['web'],
    destinations: false,
    split: false,
    share: undefined,
    routesRestored: true,
    destinationsRemoved: true,
  },
  endpoints: { primary: 4, primaryUnlabelled: 0, canary: 0, canaryAny: 0 },
  customReadings: [],
  callAnswers: [],
  evidence: { kind: 'unconfigured' },
  command: undefined,
  operator: { propagationWaitMs: 10_000, lookIntervalMs: 2_000 },
};

const held: Snapshot = {
  ...idle,
  deployment:
    idle.deployment === undefined
      ? undefined
      : {
          ...idle.deployment,
          metadata: {
            ...idle.deployment.metadata,
            annotations: { 'kanari.dev/run': '1-x', 'kanari.dev/primary': '1-y' },
          },
          spec: { ...idle.deployment.spec, paused: true },
        },
};

/** One look at one Deployment. */
export const benchmarkPlan = (): void =>
  runBenchmarks('one look at one Deployment', [
    { name: 'idle', run: () => plan(idle, NOW) },
    { name: 'held', run: () => plan(held, NOW) },
  ]);
