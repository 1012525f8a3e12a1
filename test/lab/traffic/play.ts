import { setTimeout as sleep } from 'node:timers/promises';
import type { Failure } from '../../../lab/load.ts';
import type { Deployment } from '../../../src/core/objects.ts';
import type { CanaryStatus } from '../../../src/core/run.ts';
import { type Shop, type ShopOptions, stepStands } from '../loaded-shop.ts';
import { eventually } from '../release-world.ts';
import type { Column } from './column.ts';
import type { ObservedShare } from './results.ts';

// What is done and waited for in the scenarios of the traffic matrix.

export interface Play {
  column: Column;
  shop: Shop;
  /** Shares that were seen, for the table. */
  shares: ObservedShare[];
}

export interface Scenario {
  name: string;
  slug: string;
  options?: Pick<ShopOptions, 'rps' | 'replicas' | 'settings'>;
  /** A failed request that is the canary's own doing. Default: none is. */
  isCanarys?: (failure: Failure) => boolean;
  play(play: Play): Promise<void>;
}

export const isOver = ({ phase, run }: CanaryStatus): boolean =>
  run?.endedAt !== undefined && (phase === 'Succeeded' || phase === 'Failed' || phase === 'Initialized');

/** The end of the run of this image, and how each run so far has ended, newest first. */
export const endOf = async (shop: Shop, tag: string): Promise<string[]> => {
  const status = await shop.reach(
    `the end of ${tag}`,
    (now) => isOver(now) && now.run?.images[0] === `web:${tag}`,
  );
  return status.history.map(({ outcome }) => outcome);
};

export const stepOf = (shop: Shop, tag: string, weight: number): Promise<CanaryStatus> =>
  shop.reach(
    `${weight} % for ${tag}`,
    (now) => now.run?.images[0] === `web:${tag}` && stepStands(weight)(now),
  );

export const kubectl = async ({ column, shop }: Play, ...args: string[]): Promise<void> =>
  void (await column.world().lab.kubectl(['-n', shop.namespace, ...args]));

const readyReplicas = async ({ column, shop }: Play): Promise<number | undefined> => {
  const path = `/apis/apps/v1/namespaces/${shop.namespace}/deployments/web`;
  return (await column.world().lab.api.request<Deployment>('GET', path)).status?.readyReplicas;
};

export const scale = async (play: Play, replicas: number): Promise<void> => {
  await kubectl(play, 'scale', 'deployment/web', `--replicas=${replicas}`);
  await eventually(
    async () => (await readyReplicas(play)) === replicas || undefined,
    () => `${replicas} pods of the primary`,
  );
};

/** As an eviction does: each goes when the one before has its successor. */
export const replaceCanaryPods = async (play: Play): Promise<void> => {
  const { shop } = play;
  const pods = await shop.canaryPods();
  for (const { metadata } of pods) {
    await kubectl(play, 'delete', 'pod', metadata.name, '--wait=false');
    await eventually(
      async () => {
        const now = await shop.canaryPods();
        const ready = now.filter(({ status }) =>
          status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
        );
        const replaced = now.every((pod) => pod.metadata.uid !== metadata.uid);
        return (replaced && ready.length >= pods.length) || undefined;
      },
      () => `a successor of ${metadata.name}`,
    );
  }
};

/** Whether there has been a status that fits, however long ago. */
export const hasBeen = (shop: Shop, place: string, fits: (status: CanaryStatus) => boolean): Promise<true> =>
  eventually(
    () => shop.statuses.some(({ seen }) => fits(seen)) || undefined,
    () => place,
  );

/** Requests go on for this long after the last write. */
const AFTERMATH_MS = 3_000;

/** Nothing is under way any more, and clients have met the outcome. */
export const settled = async (shop: Shop): Promise<void> => {
  await shop.reach('the end of all runs', isOver);
  await sleep(AFTERMATH_MS);
};
