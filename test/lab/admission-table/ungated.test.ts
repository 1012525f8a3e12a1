import { expect } from 'vitest';
import { eventually } from '../shop.ts';
import { newer, specOf, through } from './rows.ts';
import { plain, primaryGoesDown, skipTo } from './situation.ts';
import { describeTable } from './table.ts';

// A canary can not be had, or would delay a fix.

describeTable({
  'at zero replicas': { manifest: plain({ replicas: 0 }), outcomes: through('ScaledToZero') },
  'at zero replicas, raised in the request': {
    manifest: plain({ replicas: 0 }),
    edited: specOf({ replicas: 1 }),
    outcomes: { newer: 'ScaledToZero', newerByPut: 'ScaledToZero', same: 'Unchanged' },
  },
  'scaled to zero in the request': {
    edited: specOf({ replicas: 0 }),
    outcomes: { newer: 'ScaledToZero', newerByPut: 'ScaledToZero' },
  },
  'of the strategy Recreate': {
    manifest: plain({ spec: { strategy: { type: 'Recreate' } } }),
    outcomes: through('RecreateStrategy'),
  },
  'of revisionHistoryLimit 0': {
    manifest: plain({ spec: { revisionHistoryLimit: 0 } }),
    outcomes: { ...through('NoHistory'), undo: 'NoHistoryToUndo' },
  },
  'whose pods are all down': { prepare: primaryGoesDown, outcomes: through('PrimaryDown') },
  'whose rollout missed its deadline': {
    manifest: plain({ spec: { progressDeadlineSeconds: 1 } }),
    prepare: async (scene) => {
      await skipTo(scene, 'v2-neverready');
      await eventually(async () =>
        expect((await scene.shop.deployment()).status?.conditions).toContainEqual(
          expect.objectContaining({ type: 'Progressing', status: 'False' }),
        ),
      );
    },
    ungatedBefore: 'Skipped',
    serving: 'v2-neverready',
    stored: 'v2-neverready',
    outcomes: {
      ...newer('PrimaryDown'),
      sameByPut: 'Unchanged',
      restart: 'PrimaryDown',
      undo: 'PrimaryDown',
      pause: 'UserPaused',
    },
  },
});
