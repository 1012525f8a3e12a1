import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from './lab.ts';

/** What kubectl says of an object without conditions, and ends with. */
const NOT_LOOKED_AT = '.status.conditions accessor error';

/**
 * `kubectl wait` for a condition of objects that may be so new that nobody has written them any condition yet.
 * @param objects as kubectl names them: `crd`, `--all`
 */
export const waitForCondition = async (
  lab: Pick<Lab, 'kubectl'>,
  condition: string,
  objects: readonly string[],
): Promise<void> => {
  const wait = ['wait', `--for=condition=${condition}`, ...objects, '--timeout=180s'];
  for (let tries = 0; tries < 40; tries += 1) {
    const { code, stderr } = await lab.kubectl(wait, { allowFailure: true });
    if (code === 0) return;
    if (!stderr.includes(NOT_LOOKED_AT)) break;
    await sleep(250);
  }
  await lab.kubectl(wait);
};
