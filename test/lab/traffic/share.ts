import { setTimeout as sleep } from 'node:timers/promises';
import type { Load } from '../../../lab/load.ts';
import { eventually } from '../release-world.ts';

/** Longer than proxies of the matrix take to learn a weight: what left before is no witness of it. */
const LEARNT_MS = 2_000;

const answeredBy = (load: Load, version: string): { all: number; own: number } => {
  const counts = load.counts();
  const own = counts.reduce((sum, { versions }) => sum + (versions[version]?.requests ?? 0), 0);
  return { all: load.total().requests, own };
};

/** The share of a version among the next requests, in percent, once proxies have learnt the weight. */
export const observedShare = async (
  load: Load,
  version: string,
  requests: number,
): Promise<{ share: number; requests: number }> => {
  await sleep(LEARNT_MS);
  const before = answeredBy(load, version);
  const seen = () => answeredBy(load, version).all - before.all;
  await eventually(
    () => seen() >= requests || undefined,
    () => `${requests} requests; ${seen()} so far`,
  );
  const after = answeredBy(load, version);
  const all = after.all - before.all;
  return { share: Math.round((1_000 * (after.own - before.own)) / all) / 10, requests: all };
};
