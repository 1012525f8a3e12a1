import fc from 'fast-check';

// Properties play the same cases in every run, so that a red run means a change and not bad luck. Other seeds, by
// KANARI_SEED (a whole number, or `random`), are for looking for trouble.

const wanted = process.env['KANARI_SEED'] ?? '1';
const seed = Number(wanted);
if (wanted !== 'random' && !Number.isInteger(seed))
  throw new Error(`KANARI_SEED: expected a whole number or "random", got ${JSON.stringify(wanted)}`);
if (wanted !== 'random') fc.configureGlobal({ ...fc.readConfigureGlobal(), seed });
