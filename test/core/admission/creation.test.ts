import { expect, it } from 'vitest';
import type { Deployment } from '../../../src/core/objects.ts';
import { admit, deployment, heldAt, orphan, template } from '../deployment-fixtures.ts';
import {
  describeCreations,
  held,
  leftAlone,
  leftPaused,
  released,
  restarted,
  run,
  serves,
  v2,
} from './rows.ts';

// A Deployment that is created, perhaps over the pods that one of its name has left.

const canaryOrphan = () => {
  const set = orphan('web:v9', 9);
  const labels = { app: 'web', 'kanari.dev/version': 'canary' };
  return { ...set, spec: { ...set.spec, template: template('web:v9', {}, labels) } };
};

describeCreations({
  'lets the first version in at once, with its labels': {
    object: deployment(),
    reason: 'Created',
    paused: false,
    marks: {},
    injected: true,
  },
  'does not let a copied manifest start paused': {
    object: heldAt('web:v2'),
    reason: 'Created',
    paused: false,
    marks: {},
    injected: true,
  },
  "respects a user's own pause": {
    object: deployment({ paused: true }),
    ...held('Created', {}),
  },
  'holds a creation that would take over the pods of another version': {
    object: deployment({ template: v2 }),
    input: { replicaSets: [orphan('web:v1')] },
    ...held('OrphansFound', run('web:v2'), 'v1 keeps serving'),
  },
  'restarts nothing when the orphans are of the same version': {
    object: deployment(),
    input: { replicaSets: [orphan('web:v1')] },
    ...leftAlone('Unchanged'),
  },
  'passes over orphans without pods': {
    object: deployment({ template: v2 }),
    input: { replicaSets: [orphan('web:v1', 0)] },
    reason: 'Created',
    paused: false,
    marks: {},
    injected: true,
  },
  'lets a creation through when no orphan is available': {
    object: deployment({ template: v2 }),
    input: { replicaSets: [orphan('web:v1', 3, 0)] },
    ...released('PrimaryDown', serves('web:v2'), 'a fix is never delayed'),
  },
  'does not let a manifest start paused that was copied from a held Deployment, over orphans either': {
    object: heldAt('web:v2'),
    input: { replicaSets: [orphan('web:v1')] },
    ...held('OrphansFound', run('web:v2'), 'v1 keeps serving'),
  },
  'undoes the copied pause over orphans of the same version': {
    object: heldAt('web:v1'),
    input: { replicaSets: [orphan('web:v1')] },
    ...leftAlone('Unchanged'),
  },
  "respects a user's own pause over orphans, and remembers what serves": {
    object: deployment({ paused: true, template: v2 }),
    input: { replicaSets: [orphan('web:v1')] },
    ...leftPaused('UserPaused', serves('web:v1'), 'becomes a canary when you resume'),
  },
  'holds for the version that serves, never for what a canary has left': {
    object: deployment({ template: template('web:v3') }),
    input: { replicaSets: [canaryOrphan(), orphan('web:v1', 0), orphan('web:v2', 1)] },
    ...held('OrphansFound', run('web:v3', '0', 'web:v2'), 'v2 keeps serving'),
  },
  'lets a creation over the pods of two versions through: a hold would freeze the mixture': {
    object: deployment({ template: template('web:v3') }),
    input: { replicaSets: [orphan('web:v1', 1), orphan('web:v2', 4)] },
    ...released('MixedVersions', serves('web:v3'), 'pods of several versions run'),
  },
  'is the first where only a canary has left pods': {
    object: deployment({ template: v2 }),
    input: { replicaSets: [canaryOrphan()] },
    reason: 'Created',
    paused: false,
    marks: {},
    injected: true,
  },
  'lets a skipped creation over orphans through': {
    object: deployment({ template: v2, annotations: { 'kanari.dev/skip': 'INC-1' } }),
    input: { replicaSets: [orphan('web:v1')] },
    ...released('Skipped', serves('web:v2'), 'released without a canary'),
  },
  'lets a creation over orphans through that is scaled to zero': {
    object: deployment({ template: v2, spec: { replicas: 0 } }),
    input: { replicaSets: [orphan('web:v1')] },
    ...released('ScaledToZero', serves('web:v2'), 'scaled to zero'),
  },
  'lets a creation over orphans through that has no history': {
    object: deployment({ template: v2, spec: { revisionHistoryLimit: 0 } }),
    input: { replicaSets: [orphan('web:v1')] },
    ...released('NoHistory', serves('web:v2'), 'revisionHistoryLimit is 0'),
  },
  'lets a creation over orphans through that is of strategy Recreate': {
    object: deployment({ template: v2, spec: { strategy: { type: 'Recreate' } } }),
    input: { replicaSets: [orphan('web:v1')] },
    ...released('RecreateStrategy', serves('web:v2'), 'Recreate'),
  },
  'lets a restart of orphans through': {
    object: deployment({ template: template('web:v1', restarted) }),
    input: { replicaSets: [orphan('web:v1')] },
    ...released(
      'RestartOnly',
      { 'kanari.dev/primary': expect.any(String) as string },
      'only the restart time changed',
    ),
  },
});

it('may come without a name yet', () => {
  const metadata = { namespace: 'shop', generateName: 'web-' } as Deployment['metadata'];
  const object = { ...deployment(), metadata };
  expect(admit({ object }).answer).toMatchObject({ verdict: 'allow', reason: 'Created', warnings: [] });
  expect(admit({ object, replicaSets: [orphan('web:v0')] }).answer.warnings[0]).toContain('canary of web-…');
});
