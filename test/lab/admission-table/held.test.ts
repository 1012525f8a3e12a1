import { expect } from 'vitest';
import { eventually } from '../shop.ts';
import { back, newer, specOf } from './rows.ts';
import { hold, holdFailed, type Outcomes, primaryGoesDown, withSkip } from './situation.ts';
import { describeTable } from './table.ts';

// Kanari holds v2; v1 serves.

const HELD = {
  ...newer('Superseded'),
  same: 'Kept',
  sameByPut: 'KeptFromResuming',
  ...back('RevertedToPrimary'),
  restart: 'NoRestartOfPaused',
  restartByPatch: 'Superseded',
  undo: 'NoUndoOfPaused',
  pause: 'AlreadyPaused',
  pauseInManifest: 'Kept',
  resume: 'KeptFromResuming',
  resumeInManifest: 'KeptFromResuming',
  scale: 'Kept',
} as const satisfies Outcomes;

describeTable({
  'held, its run under way': { prepare: hold, stored: 'v2', outcomes: HELD },
  'held, its run failed': { prepare: holdFailed, stored: 'v2', outcomes: HELD },
  'held, and the primary down': {
    prepare: async (scene) => {
      await hold(scene);
      await primaryGoesDown(scene);
    },
    stored: 'v2',
    outcomes: {
      ...newer('PrimaryDown'),
      same: 'Kept',
      back: 'RevertedToPrimary',
      restartByPatch: 'PrimaryDown',
      resume: 'KeptFromResuming',
    },
  },
  'held, and scaled to zero': {
    prepare: async (scene) => {
      await hold(scene);
      await scene.shop.kubectl(['scale', 'deployment/web', '--replicas=0']);
      await eventually(async () => {
        expect((await scene.shop.canary()).status?.history).toMatchObject([{ reason: 'ScaledToZero' }]);
        expect(await scene.shop.pods()).toEqual([]);
      });
    },
    edited: specOf({ replicas: 0 }),
    stored: 'v2',
    outcomes: {
      ...newer('ScaledToZero'),
      same: 'Kept',
      sameByPut: 'KeptFromResuming',
      back: 'RevertedToPrimary',
      restartByPatch: 'ScaledToZero',
      resume: 'KeptFromResuming',
      scale: 'Kept',
    },
  },
  // A server-side apply of what a client-side one left to its default is a conflict between the two.
  'held, revisionHistoryLimit now 0': {
    prepare: hold,
    stored: 'v2',
    edited: specOf({ revisionHistoryLimit: 0 }),
    outcomes: {
      newer: { 'kubectl apply': 'SupersededKeepingHistory' },
      newerByPut: 'SupersededKeepingHistory',
      same: { 'kubectl apply': 'KeptKeepingHistory' },
    },
  },
  'held, the strategy now Recreate': {
    prepare: hold,
    stored: 'v2',
    edited: specOf({ strategy: { type: 'Recreate' } }),
    outcomes: { newerByPut: 'RecreateStrategy', sameByPut: 'KeptFromResuming' },
  },
  'held, with a skip in the request': {
    prepare: hold,
    stored: 'v2',
    edited: withSkip,
    outcomes: { newer: 'Skipped', same: 'Skipped', back: 'RevertedWithIdleSkip' },
  },
});
