import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIRST_START_MS } from '../../lab/lab.ts';
import { openShop, QUICK, type Shop, startWorld, type World, web } from './shop.ts';

// Without a metrics server, and of workers that nobody sends requests to: what the kubelet says of the canary decides.

let world: World;
beforeAll(async () => {
  world = await startWorld();
}, FIRST_START_MS);
afterAll(() => world?.stop());

/** Intervals in which a pod is killed several times: one without would be passed, and the worker promoted. */
const STRICT = { ...QUICK, 'kanari.dev/interval': '10s', 'kanari.dev/threshold': '2' };

/** A worker is released, and fails. */
const failing = async (
  namespace: string,
  tag: string,
): Promise<{ shop: Shop; message: string; reason: string }> => {
  const shop = await openShop(world.lab, namespace, { annotations: STRICT });
  await shop.apply(web('v1'));
  await shop.settles();
  await shop.apply(web(tag));
  const { status } = await shop.reaches('Failed');
  return { shop, message: status?.message ?? '', reason: status?.reason ?? '' };
};

describe.concurrent('a worker', () => {
  it.each([
    ['runs out of memory', 'oom', 'v2-oom3', 'exit code 137, out of memory'],
    ['is restarted', 'restarting', 'v2-restart3', 'exit code 1'],
  ])('that %s again and again has a failed check in each interval', async (_what, namespace, tag, end) => {
    const { shop, message } = await failing(namespace, tag);
    expect(message).toMatch(/^failed checks threshold reached 2: 2 of 2 canary pods ready, \d+ restarts? /);
    expect(message).toMatch(new RegExp(`\\(container web of web-canary-\\S+: ${end}\\)$`));
    expect((await shop.pods()).map(({ status }) => status?.phase)).toEqual(['Running', 'Running']);
    expect((await shop.deployment()).spec.paused).toBe(true);
  });

  it('whose image can not be had is withdrawn long before its deadline', async () => {
    const { message, reason } = await failing('pull', 'v2-pullfail');
    expect(reason).toBe('ImagePullFailed');
    expect(message).toMatch(
      /^image web:v2-pullfail of container web of web-canary-\S+ can not be had: ImagePullBackOff, no such image$/,
    );
  });

  it('that crashes each time it is started is withdrawn at once', async () => {
    const { message, reason } = await failing('crash', 'v2-crash');
    expect(reason).toBe('CanaryCrashes');
    expect(message).toMatch(
      /^container web of web-canary-\S+ keeps crashing: ([3-9]|\d\d+) times, last with exit code 1$/,
    );
  });
});
