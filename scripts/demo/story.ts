import { setTimeout as sleep } from 'node:timers/promises';
import type { Load } from '../../lab/load.ts';
import { type PodSets, type Seen, type Versions } from './claims.ts';
import { ROLLOUT_STATUS, release, type Stage } from './release.ts';
import { NAMESPACE, type Shop } from './shop.ts';

// The acts, in order. What each shows is judged at the end.

/** Tags in examples/shop. The bad version is not to get beyond the first step. */
export const VERSIONS: Versions = { good: 'v2', bad: 'v3-errors10', badShare: 20 };

const FILES = {
  first: 'examples/shop/web-v1.yaml',
  good: 'examples/shop/web-v2.yaml',
  bad: 'examples/shop/web-v3.yaml',
};

/** Without Kanari's doing: what a shop looks like before it opts in. */
export const openShop = async (shop: Shop): Promise<void> => {
  await shop.run(`create namespace ${NAMESPACE}`);
  await shop.run(`apply -n ${NAMESPACE} -f examples/shop/route.yaml -f ${FILES.first}`);
  await shop.run(ROLLOUT_STATUS);
};

export const tellStory = async (stage: Stage, signal: AbortSignal): Promise<Omit<Seen, LoadFigures>> => {
  const { shop, screen, load } = stage;
  const adoption: PodSets & { after: string[] } = { before: await shop.primaryPods(), after: [] };
  await pause(signal);

  screen.say(
    '\n── From now on, each update of a Deployment in this namespace becomes a canary. Nothing restarts.',
  );
  load.phase('opt-in');
  await shop.run(`label namespace ${NAMESPACE} kanari.dev/rollouts=enabled`);
  await shop.until('the Canary', () => shop.canary());
  await shop.run(`get canary -n ${NAMESPACE}`);
  await pause(signal);

  screen.say('\n── v2 is good.');
  load.phase('v2');
  const good = await release(stage, FILES.good, async () => {
    adoption.after = await shop.primaryPods();
  });
  await shop.run(`get canary -n ${NAMESPACE}`);

  screen.say('\n── v3 answers every tenth request with a 500.');
  load.phase('v3');
  const bad = await release(stage, FILES.bad);
  await shop.run(`get canary -n ${NAMESPACE}`);

  const reapplied = await takeBack(stage);
  // Whatever the end of the last act broke would show only now.
  await pause(signal);
  return { adoption, good, bad, reapplied };
};

export type LoadFigures = 'failures' | 'failed' | 'badPhase';

const PAUSE_MS = 2_000;

/** So that the phase has requests to be judged by. */
const pause = (signal: AbortSignal): Promise<void> => sleep(PAUSE_MS, undefined, { signal });

const takeBack = async ({ shop, screen, load }: Stage): Promise<Seen['reapplied']> => {
  screen.say('\n── v3 stays held until it is replaced. Applying v2 again releases the Deployment.');
  load.phase('v2 again');
  const before = await shop.primaryPods();
  await shop.run(`apply -n ${NAMESPACE} -f ${FILES.good}`);
  await shop.until('the end of the hold', async () =>
    (await shop.canary())?.phase === 'Failed' ? undefined : true,
  );
  const result = await shop.runQuietly(ROLLOUT_STATUS);
  shop.report(ROLLOUT_STATUS, result);
  await shop.run(`get pods -n ${NAMESPACE}`);
  return { before, after: await shop.primaryPods(), rolloutStatusCode: result.code };
};

export const figuresOf = (load: Load): Pick<Seen, LoadFigures> => ({
  failures: load.failures(),
  failed: load.total().failures,
  badPhase: load.counts().find(({ phase }) => phase === 'v3'),
});
