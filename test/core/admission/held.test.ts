import { expect, it } from 'vitest';
import {
  admit,
  changed,
  deployment,
  healthy,
  heldAt,
  injected,
  revision,
  template,
} from '../deployment-fixtures.ts';
import { describeUpdates, held, leftPaused, missedDeadline, restarted, run, v2 } from './rows.ts';

// What can happen to a template that is held.

describeUpdates({
  'keeps a held template held when the manifest is applied again': {
    stored: heldAt('web:v2'),
    change: { annotations: { team: 'a' } },
    ...held('Held', run('web:v2', '20')),
  },
  'keeps it held against a PUT that knows neither pause nor marks nor labels': {
    stored: heldAt('web:v2'),
    object: deployment({ template: v2 }),
    ...held('Held', run('web:v2', '20'), 'kubectl annotate canary web kanari.dev/command=promote'),
  },
  'keeps it held when a person resumes it, and names the verbs that go on': {
    stored: heldAt('web:v2'),
    change: { paused: false },
    ...held('Held', run('web:v2', '20'), 'the same with retry'),
  },
  'knows a resume by hand although the failsafe has paused again': {
    stored: heldAt('web:v2'),
    change: { annotations: { 'kanari.dev/held-by': 'failsafe' } },
    ...held('Held', run('web:v2', '20'), 'kubectl annotate canary web kanari.dev/command=promote'),
  },
  'makes up the marks of a hold that the failsafe made alone': {
    stored: deployment({
      paused: true,
      template: injected('web:v2'),
      annotations: { 'kanari.dev/held-by': 'failsafe' },
    }),
    change: { annotations: { team: 'a' } },
    ...held('Held', {
      'kanari.dev/run': revision('web:v2'),
      'kanari.dev/weight': '0',
      'kanari.dev/held-by': 'webhook',
    }),
  },
  'stays held when a held Deployment is scaled to zero': {
    stored: heldAt('web:v2'),
    change: { spec: { replicas: 0 } },
    ...held('Held', run('web:v2', '20')),
  },
  'starts a new run when another template comes while one is held': {
    stored: heldAt('web:v2'),
    change: { template: template('web:v3') },
    ...held('Superseded', run('web:v3'), 'canary of web starts again with this template'),
  },
  'stays paused at a revert, so that it can be released without a restart': {
    stored: heldAt('web:v2'),
    change: { template: template('web:v1') },
    ...held('RevertedToPrimary', run('web:v1'), 'nothing restarts'),
  },
  'keeps a revert that is under way as it is': {
    stored: heldAt('web:v1'),
    change: { annotations: { team: 'a' } },
    ...held('RevertedToPrimary', run('web:v1', '20')),
  },
  'keeps one old ReplicaSet of a held Deployment whose history is set to 0': {
    stored: heldAt('web:v2'),
    change: { spec: { revisionHistoryLimit: 0 } },
    ...held('Held', run('web:v2', '20'), 'revisionHistoryLimit of web stays 1'),
  },
  'keeps it too when another template comes along with it': {
    stored: heldAt('web:v2'),
    change: { template: template('web:v3'), spec: { revisionHistoryLimit: 0 } },
    ...held('Superseded', run('web:v3'), 'canary of web starts again', 'revisionHistoryLimit of web stays 1'),
  },
  'adds nothing to a revert that the failsafe holds: its pods may lack it': {
    stored: heldAt('web:v1', { template: template('web:v1') }),
    change: { annotations: { team: 'a' } },
    ...leftPaused('RevertedToPrimary', run('web:v1', '20')),
  },
  'does not release what is held when the primary falls ill': {
    stored: heldAt('web:v2', { status: { ...healthy, availableReplicas: 0 } }),
    change: { annotations: { team: 'a' } },
    ...held('Held', run('web:v2', '20')),
  },
  "does not take Kanari's own failed condition for a sick primary": {
    stored: heldAt('web:v2', { status: missedDeadline('kanari: web:v2 was rolled back') }),
    change: { template: template('web:v3') },
    ...held('Superseded', run('web:v3'), 'canary of web starts again'),
  },
  'takes a restart of a held template for another template': {
    stored: heldAt('web:v2'),
    change: { template: injected('web:v2', restarted) },
    ...held(
      'Superseded',
      { ...run('web:v2'), 'kanari.dev/run': expect.any(String) as string },
      'canary of web starts again',
    ),
  },
  'starts a new run although a skip was left behind': {
    stored: heldAt('web:v2', { annotations: { 'kanari.dev/skip': 'INC-1' } }),
    change: { template: template('web:v3') },
    ...held('Superseded', run('web:v3'), 'canary of web starts again', 'change its value to skip again'),
  },
  'starts a new run out of a failed one, whose pods are not counted as mid-rollout': {
    stored: heldAt('web:v2', { status: { ...missedDeadline('kanari: rolled back'), updatedReplicas: 0 } }),
    change: { template: template('web:v3'), annotations: { 'kanari.dev/on-busy': 'allow' } },
    ...held('Superseded', run('web:v3'), 'canary of web starts again'),
  },
});

it('keeps the history of a held Deployment at 1', () => {
  const oldObject = heldAt('web:v2');
  const { after } = admit({ oldObject, object: changed(oldObject, { spec: { revisionHistoryLimit: 0 } }) });
  expect(after.spec.revisionHistoryLimit).toBe(1);
});
