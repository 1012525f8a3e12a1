import { describe, expect, it } from 'vitest';
import type { Deployment } from '../../../src/core/objects.ts';
import type { Shop } from '../loaded-shop.ts';
import { eventually } from '../release-world.ts';
import type { Column } from './column.ts';
import { type Scenario, settled } from './play.ts';
import { type ObservedShare, recordResult } from './results.ts';
import { WAVES } from './scenarios.ts';
import { tracesOfKanari, userObjects } from './user-objects.ts';

// Every scenario in every column: no request fails, and the user's objects come out as they went in.

/** Of each shop, where the scenario does not say; all shops of a wave together have 200 and more. */
const RPS = 16;

const deploymentOf = (column: Column, namespace: string): Promise<Deployment> =>
  column.world().lab.api.request('GET', `/apis/apps/v1/namespaces/${namespace}/deployments/web`);

const isReleased = async (column: Column, shop: Shop): Promise<true | undefined> =>
  (await column.world().whileUp(() => shop.drift())) === '' || undefined;

const play = async (column: Column, scenario: Scenario, shop: Shop, shares: ObservedShare[]) => {
  const { namespace } = shop;
  const before = await userObjects(column, namespace);
  const pods = await shop.primaryPods();
  await column.world().whileUp(() => shop.optIn());
  expect(await shop.primaryPods()).toEqual(pods);
  await scenario.play({ column, shop, shares });
  await settled(shop);
  await shop.stop();
  const foreign = shop.load.failures().filter((failure) => scenario.isCanarys?.(failure) !== true);
  expect(foreign.slice(0, 5)).toEqual([]);
  expect(await shop.canaryPods()).toEqual([]);
  expect((await deploymentOf(column, namespace)).spec.paused).not.toBe(true);
  expect(await userObjects(column, namespace)).toEqual(before);
  expect(await tracesOfKanari(column, namespace)).toEqual([]);
  await eventually(
    () => isReleased(column, shop),
    () => 'the cluster as the manifests want it',
  );
};

const runCell = async (column: Column, scenario: Scenario): Promise<void> => {
  const namespace = `${column.slug}-${scenario.slug}`;
  const shop = await column.open({ namespace, rps: RPS, ...scenario.options });
  const shares: ObservedShare[] = [];
  let passed = false;
  try {
    await play(column, scenario, shop, shares);
    passed = true;
  } finally {
    await shop.stop();
    const failures = shop.load.failures();
    const canaryErrors = failures.filter((failure) => scenario.isCanarys?.(failure) === true).length;
    recordResult({
      column: column.name,
      scenario: scenario.name,
      requests: shop.load.total().requests,
      failures: failures.length - canaryErrors,
      canaryErrors,
      shares,
      passed,
    });
  }
};

/** The cells of these columns, which share a world: each wave at once, one wave after the other. */
export const describeTraffic = (columns: readonly Column[]): void => {
  for (const [index, scenarios] of WAVES.entries()) {
    describe(`traffic, wave ${index + 1}`, () => {
      for (const scenario of scenarios) {
        for (const column of columns)
          it.concurrent(`${column.name}: ${scenario.name}`, () => runCell(column, scenario));
      }
    });
  }
};
