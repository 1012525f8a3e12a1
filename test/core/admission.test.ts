import { describe, expect, it } from 'vitest';
import type { AdmissionInput } from '../../src/core/admission.ts';
import type { Deployment, StringMap } from '../../src/core/objects.ts';
import {
  admit,
  changed,
  deployment,
  healthy,
  heldAt,
  injected,
  namespace,
  orphan,
  type Parts,
  revision,
  template,
} from './deployment-fixtures.ts';

interface Row {
  stored?: Deployment;
  change?: Parts;
  /** The whole object of the request, instead of a change. */
  object?: Deployment;
  input?: Partial<AdmissionInput>;
  reason: string;
  ungated?: boolean;
  paused: boolean;
  /** All marks stored. */
  marks: StringMap;
  injected: boolean;
  /** A part of each warning, in order. */
  warnings?: string[];
}

const v2 = template('web:v2');
const run = (image: string, weight = '0', primary = 'web:v1'): StringMap => ({
  'kanari.dev/run': revision(image),
  'kanari.dev/primary': revision(primary),
  'kanari.dev/weight': weight,
  'kanari.dev/held-by': 'webhook',
});
const serves = (image: string): StringMap => ({ 'kanari.dev/primary': revision(image) });
const userPaused = (parts: Parts = {}): Deployment =>
  deployment({
    paused: true,
    ...parts,
    annotations: { ...serves('web:v1'), ...parts.annotations },
  });
const restarted = { 'kubectl.kubernetes.io/restartedAt': '2026-11-21T02:38:00Z' };
const missedDeadline = (message: string, observedGeneration = 3): Deployment['status'] & object => ({
  ...healthy,
  observedGeneration,
  conditions: [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message }],
});
const midRollout = { ...healthy, updatedReplicas: 2 };

const ROWS: Record<string, Row> = {
  'holds a new template and lets the serving version be': {
    change: { template: v2 },
    reason: 'NewRevision',
    paused: true,
    marks: run('web:v2'),
    injected: true,
    warnings: [
      'kanari: canary of web started (10% → 50% in steps of 10%, every 1m); v1 keeps serving. Follow: kubectl get canary web -w',
    ],
  },
  'says when only readiness and restarts can be judged': {
    change: { template: v2 },
    input: { metricsConfigured: false },
    reason: 'NewRevision',
    paused: true,
    marks: run('web:v2'),
    injected: true,
    warnings: ['canary of web started', 'no metrics server is configured'],
  },
  'takes what an unpaused Deployment has for the primary, whatever an older mark says': {
    stored: deployment({ annotations: serves('web:v0') }),
    change: { template: v2 },
    reason: 'NewRevision',
    paused: true,
    marks: run('web:v2'),
    injected: true,
    warnings: ['canary of web started'],
  },
  'leaves a change of something else alone': {
    change: { spec: { replicas: 6 } },
    reason: 'Unchanged',
    paused: false,
    marks: {},
    injected: false,
  },
  'adds nothing to the same template: that would restart every pod': {
    change: { annotations: { team: 'a' } },
    reason: 'Unchanged',
    paused: false,
    marks: {},
    injected: false,
  },
  'puts back injected labels that a PUT dropped, for the same reason': {
    stored: deployment({ template: injected(), annotations: serves('web:v1') }),
    object: deployment(),
    reason: 'Unchanged',
    paused: false,
    marks: serves('web:v1'),
    injected: true,
  },
  'lets nobody forge marks': {
    change: { annotations: run('web:v2', '50') },
    reason: 'Unchanged',
    paused: false,
    marks: {},
    injected: false,
  },
  'keeps a held template held when the manifest is applied again': {
    stored: heldAt('web:v2'),
    change: { annotations: { team: 'a' } },
    reason: 'Held',
    paused: true,
    marks: run('web:v2', '20'),
    injected: true,
  },
  'keeps it held against a PUT that knows neither pause nor marks nor labels': {
    stored: heldAt('web:v2'),
    object: deployment({ template: v2 }),
    reason: 'Held',
    paused: true,
    marks: run('web:v2', '20'),
    injected: true,
    warnings: ['kubectl annotate canary web kanari.dev/command=promote'],
  },
  'keeps it held when a person resumes it, and names the verbs that go on': {
    stored: heldAt('web:v2'),
    change: { paused: false },
    reason: 'Held',
    paused: true,
    marks: run('web:v2', '20'),
    injected: true,
    warnings: ['the same with retry'],
  },
  'knows a resume by hand although the failsafe has paused again': {
    stored: heldAt('web:v2'),
    change: { annotations: { 'kanari.dev/held-by': 'failsafe' } },
    reason: 'Held',
    paused: true,
    marks: run('web:v2', '20'),
    injected: true,
    warnings: ['kubectl annotate canary web kanari.dev/command=promote'],
  },
  'makes up the marks of a hold that the failsafe made alone': {
    stored: deployment({
      paused: true,
      template: injected('web:v2'),
      annotations: { 'kanari.dev/held-by': 'failsafe' },
    }),
    change: { annotations: { team: 'a' } },
    reason: 'Held',
    paused: true,
    marks: {
      'kanari.dev/run': revision('web:v2'),
      'kanari.dev/weight': '0',
      'kanari.dev/held-by': 'webhook',
    },
    injected: true,
  },
  'stays held when a held Deployment is scaled to zero': {
    stored: heldAt('web:v2'),
    change: { spec: { replicas: 0 } },
    reason: 'Held',
    paused: true,
    marks: run('web:v2', '20'),
    injected: true,
  },
  'starts a new run when another template comes while one is held': {
    stored: heldAt('web:v2'),
    change: { template: template('web:v3') },
    reason: 'Superseded',
    paused: true,
    marks: run('web:v3'),
    injected: true,
    warnings: ['canary of web starts again with this template'],
  },
  'stays paused at a revert, so that it can be released without a restart': {
    stored: heldAt('web:v2'),
    change: { template: template('web:v1') },
    reason: 'RevertedToPrimary',
    paused: true,
    marks: run('web:v1'),
    injected: true,
    warnings: ['nothing restarts'],
  },
  'keeps a revert that is under way as it is': {
    stored: heldAt('web:v1'),
    change: { annotations: { team: 'a' } },
    reason: 'RevertedToPrimary',
    paused: true,
    marks: run('web:v1', '20'),
    injected: true,
  },
  'prefers the revert to a skip: nothing restarts either way': {
    stored: heldAt('web:v2'),
    change: { template: template('web:v1'), annotations: { 'kanari.dev/skip': 'true' } },
    reason: 'RevertedToPrimary',
    paused: true,
    marks: run('web:v1'),
    injected: true,
    warnings: ['nothing restarts', 'nothing to skip'],
  },
  'keeps one old ReplicaSet of a held Deployment whose history is set to 0': {
    stored: heldAt('web:v2'),
    change: { spec: { revisionHistoryLimit: 0 } },
    reason: 'Held',
    paused: true,
    marks: run('web:v2', '20'),
    injected: true,
    warnings: ['revisionHistoryLimit of web stays 1'],
  },
  'keeps it too when another template comes along with it': {
    stored: heldAt('web:v2'),
    change: { template: template('web:v3'), spec: { revisionHistoryLimit: 0 } },
    reason: 'Superseded',
    paused: true,
    marks: run('web:v3'),
    injected: true,
    warnings: ['canary of web starts again', 'revisionHistoryLimit of web stays 1'],
  },
  'adds nothing to a revert that the failsafe holds: its pods may lack it': {
    stored: heldAt('web:v1', { template: template('web:v1') }),
    change: { annotations: { team: 'a' } },
    reason: 'RevertedToPrimary',
    paused: true,
    marks: run('web:v1', '20'),
    injected: false,
  },
  'lets a skipped change through': {
    change: { template: v2, annotations: { 'kanari.dev/skip': 'INC-4711' } },
    reason: 'Skipped',
    ungated: true,
    paused: false,
    marks: serves('web:v2'),
    injected: true,
    warnings: ['released without a canary: kanari.dev/skip was set'],
  },
  'lets a held template out when skip is set': {
    stored: heldAt('web:v2'),
    change: { annotations: { 'kanari.dev/skip': 'true' } },
    reason: 'Skipped',
    ungated: true,
    paused: false,
    marks: serves('web:v2'),
    injected: true,
    warnings: ['released without a canary'],
  },
  'respects a pause of the user in a skipped change': {
    change: { template: v2, paused: true, annotations: { 'kanari.dev/skip': 'true' } },
    reason: 'Skipped',
    ungated: true,
    paused: true,
    marks: serves('web:v2'),
    injected: true,
    warnings: [
      'kanari.dev/skip was set for this change. It is paused by you, and goes out when you resume it',
    ],
  },
  'holds although a skip was left behind': {
    stored: deployment({ annotations: { 'kanari.dev/skip': 'true' } }),
    change: { template: v2 },
    reason: 'NewRevision',
    paused: true,
    marks: run('web:v2'),
    injected: true,
    warnings: ['canary of web started', 'change its value to skip again'],
  },
  'takes skip "false" for no': {
    change: { template: v2, annotations: { 'kanari.dev/skip': 'false' } },
    reason: 'NewRevision',
    paused: true,
    marks: run('web:v2'),
    injected: true,
    warnings: ['canary of web started'],
  },
  'says that a skip without a change does not count later': {
    change: { annotations: { 'kanari.dev/skip': 'true' } },
    reason: 'Unchanged',
    paused: false,
    marks: {},
    injected: false,
    warnings: ['does not count for later ones'],
  },
  'lets a change through that scales to zero': {
    change: { template: v2, spec: { replicas: 0 } },
    reason: 'ScaledToZero',
    ungated: true,
    paused: false,
    marks: serves('web:v2'),
    injected: true,
    warnings: ['scaled to zero'],
  },
  'lets a change through that scales from zero, out of a hold too': {
    stored: heldAt('web:v2', { spec: { replicas: 0 } }),
    change: { template: template('web:v3'), spec: { replicas: 3 } },
    reason: 'ScaledToZero',
    ungated: true,
    paused: false,
    marks: serves('web:v3'),
    injected: true,
    warnings: ['scaled to zero'],
  },
  'lets strategy Recreate through': {
    stored: deployment({ spec: { strategy: { type: 'Recreate' } } }),
    change: { template: v2 },
    reason: 'RecreateStrategy',
    ungated: true,
    paused: false,
    marks: serves('web:v2'),
    injected: true,
    warnings: ['Recreate'],
  },
  'lets a Deployment without history through': {
    stored: deployment({ spec: { revisionHistoryLimit: 0 } }),
    change: { template: v2 },
    reason: 'NoHistory',
    ungated: true,
    paused: false,
    marks: serves('web:v2'),
    injected: true,
    warnings: ['revisionHistoryLimit is 0'],
  },
  'never delays a fix when nothing is available': {
    stored: deployment({ status: { ...healthy, availableReplicas: 0 } }),
    change: { template: v2 },
    reason: 'PrimaryDown',
    ungated: true,
    paused: false,
    marks: serves('web:v2'),
    injected: true,
    warnings: ['a fix is never delayed'],
  },
  'never delays a fix while another template is held': {
    stored: heldAt('web:v2', { status: { ...healthy, availableReplicas: 0 } }),
    change: { template: template('web:v3') },
    reason: 'PrimaryDown',
    ungated: true,
    paused: false,
    marks: serves('web:v3'),
    injected: true,
    warnings: ['a fix is never delayed'],
  },
  'does not release what is held when the primary falls ill': {
    stored: heldAt('web:v2', { status: { ...healthy, availableReplicas: 0 } }),
    change: { annotations: { team: 'a' } },
    reason: 'Held',
    paused: true,
    marks: run('web:v2', '20'),
    injected: true,
  },
  'never delays the fix of a rollout that missed its deadline': {
    stored: deployment({ status: missedDeadline('ReplicaSet "web-1" has timed out progressing.') }),
    change: { template: v2 },
    reason: 'PrimaryDown',
    ungated: true,
    paused: false,
    marks: serves('web:v2'),
    injected: true,
    warnings: ['a fix is never delayed'],
  },
  "does not take Kanari's own failed condition for a sick primary": {
    stored: heldAt('web:v2', { status: missedDeadline('kanari: web:v2 was rolled back') }),
    change: { template: template('web:v3') },
    reason: 'Superseded',
    paused: true,
    marks: run('web:v3'),
    injected: true,
    warnings: ['canary of web starts again'],
  },
  'does not believe a missed deadline of an older generation': {
    stored: deployment({ status: missedDeadline('timed out', 2) }),
    change: { template: v2 },
    reason: 'NewRevision',
    paused: true,
    marks: run('web:v2'),
    injected: true,
    warnings: ['canary of web started'],
  },
  'holds right after a scale-up whose pods are not there yet': {
    stored: deployment({ spec: { replicas: 10 }, status: { ...healthy, replicas: 10, updatedReplicas: 10 } }),
    change: { template: v2 },
    reason: 'NewRevision',
    paused: true,
    marks: run('web:v2'),
    injected: true,
    warnings: ['canary of web started'],
  },
  'lets a user pause, and remembers what serves': {
    change: { paused: true },
    reason: 'UserPaused',
    paused: true,
    marks: serves('web:v1'),
    injected: false,
  },
  "clears a hold's leftovers when a user pauses, so that it is not taken for one": {
    stored: deployment({ annotations: run('web:v1') }),
    change: { paused: true },
    reason: 'UserPaused',
    paused: true,
    marks: { ...serves('web:v1'), 'kanari.dev/weight': '0' },
    injected: false,
  },
  'lets changes gather while a user has paused': {
    stored: userPaused(),
    change: { template: v2 },
    reason: 'UserPaused',
    paused: true,
    marks: serves('web:v1'),
    injected: false,
    warnings: ['becomes a canary when you resume'],
  },
  'remembers what serves at zero replicas too, while a user has paused': {
    stored: userPaused({ spec: { replicas: 0 } }),
    change: { template: v2 },
    reason: 'UserPaused',
    paused: true,
    marks: serves('web:v1'),
    injected: false,
    warnings: ['becomes a canary when you resume'],
  },
  "keeps a user's pause when something else changes": {
    stored: userPaused({ template: v2 }),
    change: { annotations: { team: 'a' } },
    reason: 'Unchanged',
    paused: true,
    marks: serves('web:v1'),
    injected: false,
  },
  'lets a user pause and change in one request': {
    change: { template: v2, paused: true },
    reason: 'UserPaused',
    paused: true,
    marks: serves('web:v1'),
    injected: false,
    warnings: ['becomes a canary when you resume'],
  },
  'holds what gathered when the user resumes': {
    stored: userPaused({ template: v2 }),
    change: { paused: false },
    reason: 'Resumed',
    paused: true,
    marks: run('web:v2'),
    injected: true,
    warnings: ['canary of web started'],
  },
  'lets a resume be when what serves is what is asked for': {
    stored: userPaused(),
    change: { paused: false },
    reason: 'Unchanged',
    paused: false,
    marks: serves('web:v1'),
    injected: false,
  },
  'lets a resume be that brings back what serves': {
    stored: userPaused({ template: v2 }),
    change: { template: template('web:v1'), paused: false },
    reason: 'Unchanged',
    paused: false,
    marks: serves('web:v1'),
    injected: false,
  },
  'holds a resume of a template without pods when the pause is older than the opt-in': {
    stored: deployment({ paused: true, template: v2, status: { ...healthy, updatedReplicas: 0 } }),
    change: { paused: false },
    reason: 'Resumed',
    paused: true,
    marks: {
      'kanari.dev/run': revision('web:v2'),
      'kanari.dev/weight': '0',
      'kanari.dev/held-by': 'webhook',
    },
    injected: true,
    warnings: ['the primary keeps serving'],
  },
  'lets a resume be of a pause older than the opt-in whose template runs': {
    stored: deployment({ paused: true }),
    change: { paused: false },
    reason: 'Unchanged',
    paused: false,
    marks: {},
    injected: false,
  },
  'lets a resume through at zero replicas': {
    stored: userPaused({ template: v2, spec: { replicas: 0 } }),
    change: { paused: false },
    reason: 'ScaledToZero',
    ungated: true,
    paused: false,
    marks: serves('web:v2'),
    injected: true,
    warnings: ['scaled to zero'],
  },
  'lets a restart through': {
    change: { template: template('web:v1', restarted) },
    reason: 'RestartOnly',
    ungated: true,
    paused: false,
    marks: { 'kanari.dev/primary': expect.any(String) as string },
    injected: true,
    warnings: ['only the restart time changed'],
  },
  'holds a restart where canary-restarts says so': {
    stored: deployment({ annotations: { 'kanari.dev/canary-restarts': 'true' } }),
    change: { template: template('web:v1', restarted) },
    reason: 'NewRevision',
    paused: true,
    marks: { ...run('web:v1'), 'kanari.dev/run': expect.any(String) as string },
    injected: true,
    warnings: ['canary of web started'],
  },
  'holds a restart that changes the image as well': {
    change: { template: template('web:v2', restarted) },
    reason: 'NewRevision',
    paused: true,
    marks: { ...run('web:v2'), 'kanari.dev/run': expect.any(String) as string },
    injected: true,
    warnings: ['canary of web started'],
  },
  'lets a change through in the middle of a rollout where on-busy allows it': {
    stored: deployment({ status: midRollout, annotations: { 'kanari.dev/on-busy': 'allow' } }),
    change: { template: v2 },
    reason: 'Busy',
    ungated: true,
    paused: false,
    marks: serves('web:v2'),
    injected: true,
    warnings: ['a rolling update was under way'],
  },
  'undoes a pause of the failsafe where the change goes through': {
    change: {
      template: template('web:v1', restarted),
      paused: true,
      annotations: { 'kanari.dev/held-by': 'failsafe' },
    },
    reason: 'RestartOnly',
    ungated: true,
    paused: false,
    marks: { 'kanari.dev/primary': expect.any(String) as string },
    injected: true,
    warnings: ['only the restart time changed'],
  },
  'makes a hold of the failsafe its own': {
    change: { template: v2, paused: true, annotations: { 'kanari.dev/held-by': 'failsafe' } },
    reason: 'NewRevision',
    paused: true,
    marks: run('web:v2'),
    injected: true,
    warnings: ['canary of web started'],
  },
  'undoes the pause of a manifest copied from a held Deployment': {
    object: heldAt('web:v1'),
    stored: deployment({ template: injected() }),
    reason: 'Unchanged',
    paused: false,
    marks: {},
    injected: true,
  },
  'leaves an operator its Deployment': {
    stored: deployment({ metadata: { ownerReferences: [owner()] } }),
    change: { template: v2 },
    reason: 'OwnedByController',
    paused: false,
    marks: {},
    injected: false,
  },
  "holds an operator's Deployment that is labelled itself": {
    stored: deployment({
      metadata: { ownerReferences: [owner()], labels: { 'kanari.dev/rollouts': 'enabled' } },
    }),
    change: { template: v2 },
    reason: 'NewRevision',
    paused: true,
    marks: run('web:v2'),
    injected: true,
    warnings: ['canary of web started'],
  },
  'leaves a Deployment alone that opts out': {
    stored: deployment({ metadata: { labels: { 'kanari.dev/rollouts': 'disabled' } } }),
    change: { template: v2 },
    reason: 'OptedOut',
    paused: false,
    marks: {},
    injected: false,
  },
  'leaves other namespaces alone': {
    change: { template: v2 },
    input: { namespace: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } } },
    reason: 'NamespaceNotEnabled',
    paused: false,
    marks: {},
    injected: false,
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
    reason: 'NewRevision',
    paused: true,
    marks: run('web:v2'),
    injected: true,
    warnings: ['canary of web started'],
  },
  'passes canaries': {
    stored: deployment({ spec: { selector: { matchLabels: { 'kanari.dev/version': 'canary' } } } }),
    change: { template: v2 },
    reason: 'CanaryItself',
    paused: false,
    marks: {},
    injected: false,
  },
};

function owner(): NonNullable<Deployment['metadata']['ownerReferences']>[number] {
  return { apiVersion: 'v1', kind: 'Shop', name: 'shop', uid: 'u9', controller: true };
}

const marksOf = (object: Deployment): StringMap =>
  Object.fromEntries(
    Object.entries(object.metadata.annotations ?? {}).filter(([name]) =>
      /^kanari\.dev\/(run|primary|weight|held-by)$/.test(name),
    ),
  );

const expectRow = (row: Row, { answer, after }: ReturnType<typeof admit>): void => {
  expect(answer).toMatchObject({ verdict: 'allow', reason: row.reason });
  expect('ungated' in answer ? answer.ungated : undefined).toBe(row.ungated ? row.reason : undefined);
  expect(after.spec.paused ?? false).toBe(row.paused);
  expect(marksOf(after)).toEqual(row.marks);
  expect(after.spec.template.metadata?.labels?.['kanari.dev/version'] === 'primary').toBe(row.injected);
  expect(answer.warnings).toEqual(
    (row.warnings ?? []).map((part) => expect.stringContaining(part) as string),
  );
};

describe('an UPDATE', () => {
  it.each(Object.entries(ROWS))('%s', (_sentence, row) => {
    const oldObject = row.stored ?? deployment();
    const object = row.object ?? changed(oldObject, row.change ?? {});
    expectRow(row, admit({ oldObject, object, ...row.input }));
  });

  it('is denied in the middle of a rolling update, with what to do', () => {
    const oldObject = deployment({ status: midRollout });
    const { answer } = admit({ oldObject, object: changed(oldObject, { template: v2 }) });
    expect(answer).toMatchObject({
      verdict: 'deny',
      reason: 'Busy',
      message: expect.stringMatching(/2 of 4 pods updated.*retry in a moment.*on-busy: allow/) as string,
    });
  });

  it('changes nothing else in the middle of a rolling update', () => {
    const oldObject = deployment({ status: midRollout });
    const { answer } = admit({ oldObject, object: changed(oldObject, { spec: { replicas: 5 } }) });
    expect(answer).toMatchObject({ verdict: 'allow', patch: [] });
  });

  it('keeps the history of a held Deployment at 1', () => {
    const oldObject = heldAt('web:v2');
    const { after } = admit({ oldObject, object: changed(oldObject, { spec: { revisionHistoryLimit: 0 } }) });
    expect(after.spec.revisionHistoryLimit).toBe(1);
  });

  it('names the serving version by its revision when the images agree', () => {
    const object = changed(deployment(), { template: template('web:v1', { team: 'a' }) });
    const { answer } = admit({ oldObject: deployment(), object });
    expect(answer.warnings[0]).toContain(`${revision('web:v1')} keeps serving`);
  });

  it('asks for the sidecar of the mesh and leaves the answers of the user', () => {
    const mesh = namespace({ 'istio-injection': 'enabled' });
    const own = template('web:v2', {}, { version: 'blue' });
    const { after } = admit({
      oldObject: deployment(),
      object: changed(deployment(), { template: own }),
      namespace: mesh,
    });
    expect(after.spec.template.metadata).toEqual({
      labels: {
        app: 'web',
        version: 'blue',
        'kanari.dev/version': 'primary',
        'sidecar.istio.io/inject': 'true',
      },
      annotations: { 'proxy.istio.io/config': '{"holdApplicationUntilProxyStarts": true}' },
    });
  });
});

const CREATIONS: Record<string, Row> = {
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
    reason: 'Created',
    paused: true,
    marks: {},
    injected: true,
  },
  'holds a creation that would take over the pods of another version': {
    object: deployment({ template: v2 }),
    input: { orphans: [orphan('web:v1')] },
    reason: 'OrphansFound',
    paused: true,
    marks: run('web:v2'),
    injected: true,
    warnings: ['v1 keeps serving'],
  },
  'restarts nothing when the orphans are of the same version': {
    object: deployment(),
    input: { orphans: [orphan('web:v1')] },
    reason: 'Unchanged',
    paused: false,
    marks: {},
    injected: false,
  },
  'passes over orphans without pods': {
    object: deployment({ template: v2 }),
    input: { orphans: [orphan('web:v1', 0)] },
    reason: 'Created',
    paused: false,
    marks: {},
    injected: true,
  },
  'lets a creation through when no orphan is available': {
    object: deployment({ template: v2 }),
    input: { orphans: [orphan('web:v1', 3, 0)] },
    reason: 'PrimaryDown',
    ungated: true,
    paused: false,
    marks: serves('web:v2'),
    injected: true,
    warnings: ['a fix is never delayed'],
  },
};

describe('a CREATE', () => {
  it.each(Object.entries(CREATIONS))('%s', (_sentence, row) => {
    expectRow(row, admit({ object: row.object ?? deployment(), ...row.input }));
  });

  it('may come without a name yet', () => {
    const metadata = { namespace: 'shop', generateName: 'web-' } as Deployment['metadata'];
    const object = { ...deployment(), metadata };
    expect(admit({ object, orphans: [orphan('web:v0')] }).answer.warnings[0]).toContain('canary of web-…');
  });
});

describe('a setting that can not be understood', () => {
  const bad = { 'kanari.dev/steps': '10,20,120' };
  const words = 'kanari: kanari.dev/steps[2]: expected 1–100, got 120 (example: "10,25,50")';

  it('is denied when the request sets it', () => {
    const object = changed(deployment(), { annotations: bad });
    expect(admit({ oldObject: deployment(), object }).answer).toEqual({
      verdict: 'deny',
      reason: 'InvalidSetting',
      message: words,
      warnings: [],
    });
  });

  it('is denied at a CREATE, over orphans too', () => {
    const object = deployment({ annotations: bad });
    expect(admit({ object }).answer.verdict).toBe('deny');
    expect(admit({ object, orphans: [orphan('web:v0')] }).answer.verdict).toBe('deny');
  });

  it('is only warned about when it was there before', () => {
    const oldObject = deployment({ annotations: bad });
    const { answer } = admit({ oldObject, object: changed(oldObject, { template: v2 }) });
    expect(answer).toMatchObject({ verdict: 'allow', reason: 'NewRevision' });
    expect(answer.warnings[1]).toBe(words);
  });

  it("does not stand in the way of the Deployment's own good value", () => {
    const good = { 'kanari.dev/steps': '10,50' };
    const { answer } = admit({ object: deployment({ annotations: good }), namespace: namespace({}, bad) });
    expect(answer.verdict).toBe('allow');
  });

  it('is only warned about when the Namespace has it', () => {
    const { answer } = admit({ object: deployment(), namespace: namespace({}, bad) });
    expect(answer).toMatchObject({
      verdict: 'allow',
      warnings: [words.replace('[2]:', '[2] of the Namespace:')],
    });
  });
});
