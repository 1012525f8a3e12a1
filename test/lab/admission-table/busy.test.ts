import { newer, SERVING } from './rows.ts';
import { midRollout, type Outcomes, promoteSlowly, type Situation, skipTo } from './situation.ts';
import { describeTable } from './table.ts';

// Two versions run at once: nothing may be held, it would freeze the mixture.

const MID_ROLLOUT = {
  ...SERVING,
  ...newer('RefusedAsBusy'),
  undo: 'RefusedAsBusy',
} as const satisfies Outcomes;

const rollSlowly: Situation = {
  prepare: async (scene) => {
    await skipTo(scene, 'v2-start600');
    await midRollout(scene);
  },
  ungatedBefore: 'Skipped',
  serving: 'v2-start600',
  stored: 'v2-start600',
  outcomes: MID_ROLLOUT,
};

describeTable({
  'in the middle of a rolling update': rollSlowly,
  'in the middle of a rolling update, on-busy allow': {
    ...rollSlowly,
    settings: { 'kanari.dev/on-busy': 'allow' },
    outcomes: { ...SERVING, ...newer('BusyAllowed'), undo: 'BusyAllowed' },
  },
  'in the middle of its promotion': {
    prepare: promoteSlowly,
    serving: 'v2-start600',
    stored: 'v2-start600',
    outcomes: {
      ...newer('RefusedAsBusy'),
      sameByPut: 'Unchanged',
      restart: 'RestartOnly',
      undo: 'RefusedAsBusy',
      pause: 'UserPaused',
    },
  },
});
