import { expect } from 'vitest';
import { deployment, healthy, heldAt, template } from '../deployment-fixtures.ts';
import {
  describeUpdates,
  held,
  leftAlone,
  midRollout,
  missedDeadline,
  released,
  restarted,
  run,
  serves,
  v2,
} from './rows.ts';

// What goes out without a canary: with a warning and a reason, or not at all.

describeUpdates({
  'prefers the revert to a skip: nothing restarts either way': {
    stored: heldAt('web:v2'),
    change: { template: template('web:v1'), annotations: { 'kanari.dev/skip': 'true' } },
    ...held('RevertedToPrimary', run('web:v1'), 'nothing restarts', 'nothing to skip'),
  },
  'lets a skipped change through': {
    change: { template: v2, annotations: { 'kanari.dev/skip': 'INC-4711' } },
    ...released('Skipped', serves('web:v2'), 'released without a canary: kanari.dev/skip was set'),
  },
  'lets a held template out when skip is set': {
    stored: heldAt('web:v2'),
    change: { annotations: { 'kanari.dev/skip': 'true' } },
    ...released('Skipped', serves('web:v2'), 'released without a canary'),
  },
  'respects a pause of the user in a skipped change': {
    change: { template: v2, paused: true, annotations: { 'kanari.dev/skip': 'true' } },
    reason: 'Skipped',
    ungated: true,
    paused: true,
    marks: serves('web:v2'),
    injected: true,
    warnings: ['released without a canary'],
  },
  'holds although a skip was left behind': {
    stored: deployment({ annotations: { 'kanari.dev/skip': 'true' } }),
    change: { template: v2 },
    ...held('NewRevision', run('web:v2'), 'canary of web started', 'change its value to skip again'),
  },
  'takes skip "false" for no': {
    change: { template: v2, annotations: { 'kanari.dev/skip': 'false' } },
    ...held('NewRevision', run('web:v2'), 'canary of web started'),
  },
  'says that a skip without a change does not count later': {
    change: { annotations: { 'kanari.dev/skip': 'true' } },
    ...leftAlone('Unchanged', {}, 'does not count for later ones'),
  },
  'lets a change through that scales to zero': {
    change: { template: v2, spec: { replicas: 0 } },
    ...released('ScaledToZero', serves('web:v2'), 'scaled to zero'),
  },
  'lets a change through that scales from zero, out of a hold too': {
    stored: heldAt('web:v2', { spec: { replicas: 0 } }),
    change: { template: template('web:v3'), spec: { replicas: 3 } },
    ...released('ScaledToZero', serves('web:v3'), 'scaled to zero'),
  },
  'lets strategy Recreate through': {
    stored: deployment({ spec: { strategy: { type: 'Recreate' } } }),
    change: { template: v2 },
    ...released('RecreateStrategy', serves('web:v2'), 'Recreate'),
  },
  'lets a Deployment without history through': {
    stored: deployment({ spec: { revisionHistoryLimit: 0 } }),
    change: { template: v2 },
    ...released('NoHistory', serves('web:v2'), 'revisionHistoryLimit is 0'),
  },
  'never delays a fix when nothing is available': {
    stored: deployment({ status: { ...healthy, availableReplicas: 0 } }),
    change: { template: v2 },
    ...released('PrimaryDown', serves('web:v2'), 'a fix is never delayed'),
  },
  'never delays a fix while another template is held': {
    stored: heldAt('web:v2', { status: { ...healthy, availableReplicas: 0 } }),
    change: { template: template('web:v3') },
    ...released('PrimaryDown', serves('web:v3'), 'a fix is never delayed'),
  },
  'never delays the fix of a rollout that missed its deadline': {
    stored: deployment({ status: missedDeadline('ReplicaSet "web-1" has timed out progressing.') }),
    change: { template: v2 },
    ...released('PrimaryDown', serves('web:v2'), 'a fix is never delayed'),
  },
  'lets a restart through': {
    change: { template: template('web:v1', restarted) },
    ...released(
      'RestartOnly',
      { 'kanari.dev/primary': expect.any(String) as string },
      'only the restart time changed',
    ),
  },
  'holds a restart where canary-restarts says so': {
    stored: deployment({ annotations: { 'kanari.dev/canary-restarts': 'true' } }),
    change: { template: template('web:v1', restarted) },
    ...held(
      'NewRevision',
      { ...run('web:v1'), 'kanari.dev/run': expect.any(String) as string },
      'canary of web started',
    ),
  },
  'holds a restart that changes the image as well': {
    change: { template: template('web:v2', restarted) },
    ...held(
      'NewRevision',
      { ...run('web:v2'), 'kanari.dev/run': expect.any(String) as string },
      'canary of web started',
    ),
  },
  'lets a change through in the middle of a rollout where on-busy allows it': {
    stored: deployment({ status: midRollout, annotations: { 'kanari.dev/on-busy': 'allow' } }),
    change: { template: v2 },
    ...released('Busy', serves('web:v2'), 'a rolling update was under way'),
  },
  'undoes a pause of the failsafe where the change goes through': {
    change: {
      template: template('web:v1', restarted),
      paused: true,
      annotations: { 'kanari.dev/held-by': 'failsafe' },
    },
    ...released(
      'RestartOnly',
      { 'kanari.dev/primary': expect.any(String) as string },
      'only the restart time changed',
    ),
  },
  'lets a change through that comes with a history of 0': {
    change: { template: v2, spec: { revisionHistoryLimit: 0 } },
    ...released('NoHistory', serves('web:v2'), 'revisionHistoryLimit is 0'),
  },
  'lets a change to strategy Recreate through, out of a hold too': {
    stored: heldAt('web:v2'),
    change: { template: template('web:v3'), spec: { strategy: { type: 'Recreate' } } },
    ...released('RecreateStrategy', serves('web:v3'), 'Recreate'),
  },
  'lets a restart through in the middle of a rollout: it joins in': {
    stored: deployment({ status: midRollout }),
    change: { template: template('web:v1', restarted) },
    ...released(
      'RestartOnly',
      { 'kanari.dev/primary': expect.any(String) as string },
      'only the restart time changed',
    ),
  },
  'lets a change through that comes before the first pods are available': {
    stored: deployment({ status: { observedGeneration: 3, replicas: 4, updatedReplicas: 4 } }),
    change: { template: v2 },
    ...released('PrimaryDown', serves('web:v2'), 'a fix is never delayed'),
  },
});
