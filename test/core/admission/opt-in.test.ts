import type { Deployment } from '../../../src/core/objects.ts';
import { deployment, heldAt, injected, type Parts, template } from '../deployment-fixtures.ts';
import { describeUpdates, held, leftAlone, released, run, serves, v2 } from './rows.ts';

// Whose Deployments are Kanari's business, and whose writes.

const owner = (): NonNullable<Deployment['metadata']['ownerReferences']>[number] => ({
  apiVersion: 'v1',
  kind: 'Shop',
  name: 'shop',
  uid: 'u9',
  controller: true,
});

const optedOut = (parts: Parts = {}): Deployment =>
  deployment({ ...parts, metadata: { labels: { 'kanari.dev/rollouts': 'disabled' } } });

describeUpdates({
  'leaves an operator its Deployment': {
    stored: deployment({ metadata: { ownerReferences: [owner()] } }),
    change: { template: v2 },
    ...leftAlone('OwnedByController'),
  },
  "holds an operator's Deployment that is labelled itself": {
    stored: deployment({
      metadata: { ownerReferences: [owner()], labels: { 'kanari.dev/rollouts': 'enabled' } },
    }),
    change: { template: v2 },
    ...held('NewRevision', run('web:v2'), 'canary of web started'),
  },
  'leaves a Deployment alone that opts out': {
    stored: deployment({ metadata: { labels: { 'kanari.dev/rollouts': 'disabled' } } }),
    change: { template: v2 },
    ...leftAlone('OptedOut'),
  },
  'leaves other namespaces alone': {
    change: { template: v2 },
    input: { namespace: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } } },
    ...leftAlone('NamespaceNotEnabled'),
  },
  'passes its own writes': {
    stored: heldAt('web:v2'),
    change: { paused: false },
    input: { username: 'system:serviceaccount:kanari:kanari' },
    reason: 'Own',
    paused: false,
    marks: run('web:v2', '20'),
    injected: true,
  },
  'does not take an unknown user for itself': {
    change: { template: v2 },
    input: { username: '', ownUsername: undefined },
    ...held('NewRevision', run('web:v2'), 'canary of web started'),
  },
  'passes canaries': {
    stored: deployment({ spec: { selector: { matchLabels: { 'kanari.dev/version': 'canary' } } } }),
    change: { template: v2 },
    ...leftAlone('CanaryItself'),
  },
  'leaves a held Deployment as it is when it opts out: its run ends by its own rules': {
    stored: heldAt('web:v2'),
    change: { metadata: { labels: { 'kanari.dev/rollouts': 'disabled' } } },
    ...held('Held', run('web:v2', '20')),
  },
  'tells of a change that comes with the opt-out': {
    change: { metadata: { labels: { 'kanari.dev/rollouts': 'disabled' } }, template: v2 },
    ...released(
      'OptedOut',
      serves('web:v2'),
      'web is released without a canary: the Deployment is labelled kanari.dev/rollouts=disabled',
    ),
  },
  'releases another template out of a hold that opts out': {
    stored: heldAt('web:v2'),
    change: { metadata: { labels: { 'kanari.dev/rollouts': 'disabled' } }, template: template('web:v3') },
    ...released(
      'OptedOut',
      serves('web:v3'),
      'web is released without a canary: the Deployment is labelled kanari.dev/rollouts=disabled',
    ),
  },
  'tells of a change with which an operator takes the Deployment over': {
    change: { metadata: { ownerReferences: [owner()] }, template: v2 },
    reason: 'OwnedByController',
    ungated: true,
    paused: false,
    marks: serves('web:v2'),
    injected: true,
    warnings: ['web is released without a canary: an operator owns the Deployment'],
  },
  "tells of a change with which an operator's Deployment loses the label that included it": {
    stored: deployment({
      metadata: { ownerReferences: [owner()], labels: { 'kanari.dev/rollouts': 'enabled' } },
    }),
    change: { metadata: { ownerReferences: [owner()], labels: {} }, template: v2 },
    reason: 'OwnedByController',
    ungated: true,
    paused: false,
    marks: serves('web:v2'),
    injected: true,
    warnings: ['web is released without a canary: an operator owns the Deployment'],
  },
  'keeps held what an operator takes over': {
    stored: heldAt('web:v2'),
    change: { metadata: { ownerReferences: [owner()] } },
    reason: 'Held',
    paused: true,
    marks: run('web:v2', '20'),
    injected: true,
  },
  'restarts nothing with an opt-out that leaves out what was injected': {
    stored: deployment({ template: injected() }),
    change: { metadata: { labels: { 'kanari.dev/rollouts': 'disabled' } }, template: template('web:v1') },
    reason: 'Unchanged',
    paused: false,
    marks: {},
    injected: true,
  },
  'notes down what serves when it opts in again': {
    stored: optedOut({ annotations: serves('web:v0') }),
    change: { metadata: { labels: {} } },
    ...leftAlone('Unchanged', serves('web:v1')),
  },
  'holds a change that comes with the opt-in': {
    stored: optedOut(),
    change: { metadata: { labels: {} }, template: v2 },
    ...held('NewRevision', run('web:v2'), 'canary of web started'),
  },
});
