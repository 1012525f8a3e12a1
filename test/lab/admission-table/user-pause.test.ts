import { type Outcomes, optIn, pause, withSkip } from './situation.ts';
import { describeTable } from './table.ts';

// A person has paused: what changes gathers, and is held when the pause ends.

const USER_PAUSED = {
  newer: 'Gathered',
  newerImage: 'Gathered',
  newerByPut: 'Resumed',
  same: 'Unchanged',
  sameByPut: 'PauseEnded',
  restart: 'NoRestartOfPaused',
  restartByPatch: 'Gathered',
  undo: 'NoUndoOfPaused',
  pause: 'AlreadyPaused',
  pauseInManifest: 'Unchanged',
  resume: 'PauseEnded',
  resumeInManifest: 'PauseEnded',
  scale: 'Unchanged',
} as const satisfies Outcomes;

const PAUSED_WITH_GATHERED = {
  ...USER_PAUSED,
  sameByPut: 'Resumed',
  back: 'Gathered',
  backImage: 'Gathered',
  backByPut: 'BackAndPauseEnded',
  resume: 'Resumed',
  resumeInManifest: 'Resumed',
} as const satisfies Outcomes;

describeTable({
  'paused by its user': { prepare: pause, outcomes: USER_PAUSED },
  'paused by its user, v2 gathered': {
    prepare: async (scene) => {
      await pause(scene);
      await scene.shop.apply(scene.manifest('v2'));
    },
    stored: 'v2',
    outcomes: PAUSED_WITH_GATHERED,
  },
  'paused by its user, with a skip in the request': {
    prepare: pause,
    edited: withSkip,
    outcomes: { newer: 'SkippedWhilePaused', newerByPut: { 'kubectl replace': 'Skipped' } },
  },
  'paused before the opt-in': {
    optedInLater: true,
    prepare: async (scene) => {
      await pause(scene);
      await optIn(scene);
    },
    outcomes: USER_PAUSED,
  },
  'paused before the opt-in, v2 gathered': {
    optedInLater: true,
    prepare: async (scene) => {
      await pause(scene);
      await scene.shop.apply(scene.manifest('v2'));
      await optIn(scene);
    },
    stored: 'v2',
    primaryUnknown: true,
    outcomes: { ...PAUSED_WITH_GATHERED, backByPut: 'ResumedAtPrimary' },
  },
});
