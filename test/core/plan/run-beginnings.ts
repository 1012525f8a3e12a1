import { expect } from 'vitest';
import type { Settings } from '../../../src/core/release-settings.ts';
import type { CanaryStatus, Outcome } from '../../../src/core/run.ts';
import { SimulatedCluster } from './simulated-cluster.ts';

// Where tests of a run begin. Steps are 20 and 50, an interval 5 s, unless the settings say otherwise.

/** v1 serves, and Kanari has had its time to get to know it. */
export const opened = (options: { adopted: boolean } = { adopted: true }): SimulatedCluster => {
  const cluster = new SimulatedCluster(options);
  cluster.runToEnd({ seconds: 3 });
  return cluster;
};

/** v2 was applied a moment ago. */
export const held = (
  settings: Partial<Settings> = {},
  change: Partial<SimulatedCluster> = {},
): SimulatedCluster => {
  const cluster = Object.assign(new SimulatedCluster(), change);
  cluster.settings = { ...cluster.settings, ...settings };
  cluster.runToEnd({ seconds: 3 });
  cluster.hold('v2');
  return cluster;
};

/** v2 has just got this share. */
export const at = (weight: number, settings: Partial<Settings> = {}): SimulatedCluster => {
  const cluster = held(settings);
  cluster.runToEnd({ until: () => cluster.weight === weight });
  return cluster;
};

/** v2 answered half of its requests with a 5xx, and was rolled back. */
export const failed = (): SimulatedCluster => {
  const cluster = held({}, { errorRate: { v2: 0.5 } });
  cluster.runToEnd();
  return cluster;
};

export const statusOf = ({ canary }: SimulatedCluster): CanaryStatus =>
  canary?.status ?? expect.fail('the Canary has no status yet');

/** Of the runs that are over, the newest first; undefined: there is no Canary yet. */
export const outcomes = ({ canary }: SimulatedCluster): Outcome[] | undefined =>
  canary?.status?.history.map(({ outcome }) => outcome);
