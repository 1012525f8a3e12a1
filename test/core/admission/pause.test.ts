import { deployment, healthy, orphan, revision, template } from '../deployment-fixtures.ts';
import {
  describeUpdates,
  held,
  leftAlone,
  leftPaused,
  midRollout,
  released,
  restarted,
  run,
  serves,
  userPaused,
  v2,
} from './rows.ts';

// A person's own pause.

/** Nobody knows what serves: the hold has no mark of it. */
const heldWithoutPrimary = held(
  'Resumed',
  {
    'kanari.dev/run': revision('web:v2'),
    'kanari.dev/weight': '0',
    'kanari.dev/held-by': 'webhook',
  },
  'the primary keeps serving',
);

describeUpdates({
  'lets a user pause, and remembers what serves': {
    change: { paused: true },
    ...leftPaused('UserPaused', serves('web:v1')),
  },
  "clears a hold's leftovers when a user pauses, so that it is not taken for one": {
    stored: deployment({ annotations: run('web:v1') }),
    change: { paused: true },
    ...leftPaused('UserPaused', { ...serves('web:v1'), 'kanari.dev/weight': '0' }),
  },
  'lets changes gather while a user has paused': {
    stored: userPaused(),
    change: { template: v2 },
    ...leftPaused('UserPaused', serves('web:v1'), 'becomes a canary when you resume'),
  },
  'remembers what serves at zero replicas too, while a user has paused': {
    stored: userPaused({ spec: { replicas: 0 } }),
    change: { template: v2 },
    ...leftPaused('UserPaused', serves('web:v1'), 'becomes a canary when you resume'),
  },
  "keeps a user's pause when something else changes": {
    stored: userPaused({ template: v2 }),
    change: { annotations: { team: 'a' } },
    ...leftPaused('Unchanged', serves('web:v1')),
  },
  'lets a user pause and change in one request': {
    change: { template: v2, paused: true },
    ...leftPaused('UserPaused', serves('web:v1'), 'becomes a canary when you resume'),
  },
  'holds what gathered when the user resumes': {
    stored: userPaused({ template: v2 }),
    change: { paused: false },
    ...held('Resumed', run('web:v2'), 'canary of web started'),
  },
  'lets a resume be when what serves is what is asked for': {
    stored: userPaused(),
    change: { paused: false },
    ...leftAlone('Unchanged', serves('web:v1')),
  },
  'lets a resume be that brings back what serves': {
    stored: userPaused({ template: v2 }),
    change: { template: template('web:v1'), paused: false },
    ...leftAlone('Unchanged', serves('web:v1')),
  },
  'holds a resume of a template without pods when the pause is older than the opt-in': {
    stored: deployment({ paused: true, template: v2, status: { ...healthy, updatedReplicas: 0 } }),
    change: { paused: false },
    ...heldWithoutPrimary,
  },
  'lets a resume be of a pause older than the opt-in whose template runs': {
    stored: deployment({ paused: true }),
    change: { paused: false },
    ...leftAlone('Unchanged'),
  },
  'lets a resume through at zero replicas': {
    stored: userPaused({ template: v2, spec: { replicas: 0 } }),
    change: { paused: false },
    ...released('ScaledToZero', serves('web:v2'), 'scaled to zero'),
  },
  'lets a user pause in the middle of a rollout': {
    stored: deployment({ status: midRollout, template: v2 }),
    change: { paused: true },
    ...leftPaused('UserPaused', serves('web:v2')),
  },
  'lets the user go on with the rollout that was paused': {
    stored: userPaused({ status: midRollout, template: v2, annotations: serves('web:v2') }),
    change: { paused: false },
    ...leftAlone('Unchanged', serves('web:v2')),
  },
  'lets another template out of a rollout that was paused: a hold would freeze the mixture': {
    stored: userPaused({ template: template('web:v3'), annotations: serves('web:v2') }),
    change: { paused: false },
    input: { replicaSets: [orphan('web:v1', 3), orphan('web:v2', 1)] },
    ...released('MixedVersions', serves('web:v3'), 'pods of several versions run'),
  },
  'lets restarts gather like any other change': {
    stored: userPaused(),
    change: { template: template('web:v1', restarted) },
    ...leftPaused('UserPaused', serves('web:v1'), 'becomes a canary when you resume'),
  },
  'holds a resume that nobody has observed the pause of, when the pause is older than the opt-in': {
    stored: deployment({ paused: true, template: v2, status: { ...healthy, observedGeneration: 2 } }),
    change: { paused: false },
    ...heldWithoutPrimary,
  },
  'lets what gathered through when the history is 0': {
    stored: userPaused({ template: v2, spec: { revisionHistoryLimit: 0 } }),
    change: { paused: false },
    ...released('NoHistory', serves('web:v2'), 'revisionHistoryLimit is 0'),
  },
  'lets the user skip what gathered': {
    stored: userPaused({ template: v2 }),
    change: { paused: false, annotations: { 'kanari.dev/skip': 'INC-1' } },
    ...released('Skipped', serves('web:v2'), 'released without a canary'),
  },
});
