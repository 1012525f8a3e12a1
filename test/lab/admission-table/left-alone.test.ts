import type { Deployment } from '../../../src/core/objects.ts';
import { newer, SERVING } from './rows.ts';
import { type Outcomes, ownedByOperator, plain } from './situation.ts';
import { describeTable } from './table.ts';

// None of Kanari's business.

const LEFT_ALONE = {
  ...SERVING,
  ...newer('LeftAlone'),
  restart: 'LeftAlone',
  restartByPatch: 'LeftAlone',
  undo: 'LeftAloneUndone',
  pause: 'LeftAlonePaused',
  pauseInManifest: 'LeftAlonePaused',
} as const satisfies Outcomes;

const labelled =
  (value: string) =>
  (tag: string): Deployment => {
    const manifest = plain()(tag);
    return { ...manifest, metadata: { ...manifest.metadata, labels: { 'kanari.dev/rollouts': value } } };
  };

describeTable({
  'opted out by its label': { manifest: labelled('disabled'), optedOut: true, outcomes: LEFT_ALONE },
  'owned by an operator': {
    prepare: ownedByOperator,
    // A PUT takes the owner away with the rest.
    outcomes: { ...LEFT_ALONE, newerByPut: 'NewRevision', sameByPut: 'OptedIn' },
  },
  'owned by an operator, and labelled itself': {
    manifest: labelled('enabled'),
    prepare: ownedByOperator,
    outcomes: {
      ...newer('NewRevision'),
      sameByPut: 'Unchanged',
      restart: 'RestartOnly',
      undo: 'NewRevision',
    },
  },
});
