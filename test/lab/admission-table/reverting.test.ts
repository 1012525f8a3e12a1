import { back, newer } from './rows.ts';
import { describeTable } from './table.ts';

// Held at the template that serves, until the scheduler has adopted its pods and lets it go: here, where another
// process leads and does not, that is for ever.

describeTable(
  {
    'held at the template that serves': {
      prepare: async ({ shop, manifest }) => {
        await shop.apply(manifest('v2'));
        await shop.apply(manifest('v1'));
      },
      outcomes: {
        ...newer('Superseded'),
        same: 'Kept',
        sameByPut: 'Kept',
        restart: 'NoRestartOfPaused',
        restartByPatch: 'Superseded',
        undo: 'NoUndoOfPaused',
        pause: 'AlreadyPaused',
        pauseInManifest: 'Kept',
        resume: 'Kept',
        resumeInManifest: 'Kept',
        scale: 'Kept',
      },
    },
    'held, nobody leading': {
      prepare: ({ shop, manifest }) => shop.apply(manifest('v2')),
      stored: 'v2',
      outcomes: { ...newer('Superseded'), ...back('StaysHeldAtPrimary'), sameByPut: 'KeptFromResuming' },
    },
  },
  { scheduled: false },
);
