import type { Load } from '../../lab/load.ts';
import type { CanaryStatus } from '../../src/core/run.ts';
import type { Outcome } from './claims.ts';
import { createLastSecond } from './last-second.ts';
import { liveView } from './live-view.ts';
import type { Screen } from './screen.ts';
import { NAMESPACE, type Shop } from './shop.ts';

export interface Stage {
  shop: Shop;
  screen: Screen;
  load: Load;
}

export const ROLLOUT_STATUS = `rollout status deploy/web -n ${NAMESPACE}`;

/** Applies the file and shows its run until it has ended; `onFirstWeight` is called when the canary first has one. */
export const release = async (
  { shop, screen, load }: Stage,
  file: string,
  onFirstWeight: () => Promise<void> = () => Promise.resolve(),
): Promise<Outcome> => {
  const before = (await shop.canary())?.run?.id;
  await shop.run(`apply -n ${NAMESPACE} -f ${file}`);
  screen.say(`\n$ kubectl ${ROLLOUT_STATUS}  # waits; its answer comes below`);
  const rolloutStatus = shop.runQuietly(ROLLOUT_STATUS);
  // Its failure is looked at below; until then, nobody waits for it.
  rolloutStatus.catch(() => undefined);
  const showMoment = momentsOf(screen, load);
  let weighted = false;
  const ended = await shop.until(`the end of the run of ${file}`, async () => {
    const status = await shop.canary();
    if (status === undefined) return undefined;
    const isNew = status.run !== undefined && status.run.id !== before;
    if (isNew) showMoment(status);
    if (isNew && !weighted && status.canaryWeight > 0) {
      weighted = true;
      await onFirstWeight();
    }
    return isNew && status.run?.endedAt !== undefined ? status : undefined;
  });
  screen.settle();
  const result = await rolloutStatus;
  shop.report(ROLLOUT_STATUS, result);
  return {
    phase: ended.phase,
    message: ended.message,
    rolloutStatusCode: result.code,
    images: await shop.primaryImages(),
  };
};

const momentsOf = (screen: Screen, load: Load): ((status: CanaryStatus) => void) => {
  const since = Date.now();
  const lastSecond = createLastSecond(() => load.counts(), Date.now);
  return ({ phase, canaryWeight, message }) =>
    screen.show(
      liveView({
        seconds: (Date.now() - since) / 1_000,
        phase,
        weight: canaryWeight,
        message,
        lastSecond: lastSecond(),
      }),
    );
};
