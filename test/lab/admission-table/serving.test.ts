import { expect } from 'vitest';
import { eventually } from '../shop.ts';
import { newer, SERVING } from './rows.ts';
import { plain, promote, withSkip } from './situation.ts';
import { describeTable } from './table.ts';

// One version serves.

describeTable({
  serving: { outcomes: SERVING },
  'just scaled up': {
    manifest: plain({ replicas: 3 }),
    prepare: async ({ shop }) => {
      await shop.kubectl(['scale', 'deployment/web', '--replicas=1']);
      await eventually(async () => expect(await shop.pods()).toHaveLength(1));
    },
    justBefore: ({ shop }) => shop.kubectl(['scale', 'deployment/web', '--replicas=3']),
    outcomes: { ...newer('NewRevision'), restart: 'RestartOnly', pause: 'UserPaused' },
  },
  'just annotated': {
    justBefore: ({ shop }) => shop.kubectl(['annotate', 'deployment/web', 'team=front']),
    outcomes: { ...newer('NewRevision'), restart: 'RestartOnly', pause: 'UserPaused' },
  },
  'just promoted': {
    prepare: promote,
    serving: 'v2',
    stored: 'v2',
    outcomes: {
      ...newer('NewRevision'),
      sameByPut: 'Unchanged',
      restart: 'RestartOnly',
      undo: 'NewRevision',
    },
  },
  // An undo brings the annotations of its version back as well.
  'just promoted over a version with a skip': {
    manifest: (tag) => (tag === 'v1' ? withSkip(plain()(tag)) : plain()(tag)),
    prepare: promote,
    serving: 'v2',
    stored: 'v2',
    outcomes: { newer: 'NewRevision', undo: 'Skipped' },
  },
  'with canary-restarts': {
    settings: { 'kanari.dev/canary-restarts': 'true' },
    outcomes: { newer: 'NewRevision', restart: 'NewRevision', restartByPatch: 'NewRevision' },
  },
  'with a skip left behind': {
    manifest: (tag) => withSkip(plain()(tag)),
    outcomes: {
      newer: 'NewRevisionDespiteSkip',
      newerImage: 'NewRevisionDespiteSkip',
      newerByPut: {
        'kubectl replace': 'NewRevisionDespiteSkip',
        'a PUT without annotations': 'NewRevision',
      },
      same: 'Unchanged',
      sameByPut: 'Unchanged',
      restart: 'RestartOnlyDespiteSkip',
      pause: 'UserPaused',
    },
  },
  'with a skip in the request': {
    edited: withSkip,
    outcomes: {
      newer: 'Skipped',
      newerByPut: { 'kubectl replace': 'Skipped' },
      same: 'UnchangedWithIdleSkip',
      sameByPut: { 'kubectl replace': 'UnchangedWithIdleSkip' },
    },
  },
});
