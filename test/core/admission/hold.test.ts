import { describe, expect, it } from 'vitest';
import type { Deployment } from '../../../src/core/objects.ts';
import {
  admit,
  changed,
  deployment,
  healthy,
  heldAt,
  injected,
  namespace,
  orphan,
  revision,
  template,
} from '../deployment-fixtures.ts';
import { describeUpdates, held, leftAlone, midRollout, missedDeadline, run, serves, v2 } from './rows.ts';

// A changed template of a Deployment that nobody holds, and what is no change.

describeUpdates({
  'holds a new template and lets the serving version be': {
    change: { template: v2 },
    ...held(
      'NewRevision',
      run('web:v2'),
      'kanari: canary of web started (10% → 50% in steps of 10%, every 1m); v1 keeps serving. Follow: kubectl get canary web -w',
    ),
  },
  'says when only readiness and restarts can be judged': {
    change: { template: v2 },
    input: { metricsConfigured: false },
    ...held('NewRevision', run('web:v2'), 'canary of web started', 'no metrics server is configured'),
  },
  'says where a person will have to approve, and how': {
    change: { template: v2, annotations: { 'kanari.dev/approve': 'start,promotion' } },
    ...held(
      'NewRevision',
      run('web:v2'),
      'canary of web started',
      'kanari: web waits for approval (start, promotion): kubectl annotate canary web kanari.dev/command=approve',
    ),
  },
  'says when callers have no proxy to obey its weight': {
    change: { template: v2 },
    input: { callersOutsideMesh: true },
    ...held('NewRevision', run('web:v2'), 'canary of web started', 'the Namespace has no sidecars'),
  },
  'says what pods can make of the steps, and that nobody may count requests, where the setting is replicas': {
    change: { template: v2, annotations: { 'kanari.dev/traffic': 'replicas' }, spec: { replicas: 4 } },
    ...held(
      'NewRevision',
      run('web:v2'),
      'canary of web started',
      'beside 4, steps of 10%, 20%, 30%, 40%, 50% become 20%, 20%, 33%, 43%, 50%',
      'no route splits the requests of web: unless a mesh counts them there is no evidence; kanari.dev/success-rate: "off"',
    ),
  },
  'says nothing of steps that pods can make exactly, nor of requests that workers do not have': {
    change: {
      template: v2,
      annotations: { 'kanari.dev/traffic': 'none', 'kanari.dev/steps': '20,50' },
      spec: { replicas: 4 },
    },
    ...held('NewRevision', run('web:v2'), 'canary of web started'),
  },
  'takes what an unpaused Deployment has for the primary, whatever an older mark says': {
    stored: deployment({ annotations: serves('web:v0') }),
    change: { template: v2 },
    ...held('NewRevision', run('web:v2'), 'canary of web started'),
  },
  'leaves a change of something else alone': {
    change: { spec: { replicas: 6 } },
    ...leftAlone('Unchanged'),
  },
  'adds nothing to the same template: that would restart every pod': {
    change: { annotations: { team: 'a' } },
    ...leftAlone('Unchanged'),
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
    ...leftAlone('Unchanged'),
  },
  'does not believe a missed deadline of an older generation': {
    stored: deployment({ status: missedDeadline('timed out', 2) }),
    change: { template: v2 },
    ...held('NewRevision', run('web:v2'), 'canary of web started'),
  },
  'holds right after a scale-up whose pods are not there yet': {
    stored: deployment({ spec: { replicas: 10 }, status: { ...healthy, replicas: 10, updatedReplicas: 10 } }),
    change: { template: v2 },
    ...held('NewRevision', run('web:v2'), 'canary of web started'),
  },
  'makes a hold of the failsafe its own': {
    change: { template: v2, paused: true, annotations: { 'kanari.dev/held-by': 'failsafe' } },
    ...held('NewRevision', run('web:v2'), 'canary of web started'),
  },
  'undoes the pause of a manifest copied from a held Deployment': {
    object: heldAt('web:v1'),
    stored: deployment({ template: injected() }),
    reason: 'Unchanged',
    paused: false,
    marks: {},
    injected: true,
  },
  'holds right after an annotation that nobody has observed yet': {
    stored: deployment({ status: { ...healthy, observedGeneration: 2 }, annotations: { team: 'a' } }),
    change: { template: v2 },
    ...held('NewRevision', run('web:v2'), 'canary of web started'),
  },
  'holds right after a scale-up that nobody has observed yet': {
    stored: deployment({ spec: { replicas: 10 }, status: { ...healthy, observedGeneration: 2 } }),
    change: { template: v2 },
    ...held('NewRevision', run('web:v2'), 'canary of web started'),
  },
  'holds right after a promotion that is complete, weight mark or not': {
    stored: deployment({
      template: injected('web:v2'),
      annotations: { ...serves('web:v2'), 'kanari.dev/weight': '20' },
    }),
    change: { template: template('web:v3') },
    ...held('NewRevision', run('web:v3', '0', 'web:v2'), 'v2 keeps serving'),
  },
});

describe('a change in the middle of a rolling update', () => {
  it.each<[string, Deployment]>([
    ['of any kind', deployment({ status: midRollout })],
    [
      "of Kanari's own promotion",
      deployment({
        template: injected('web:v2'),
        annotations: { ...serves('web:v2'), 'kanari.dev/weight': '50' },
        status: { ...healthy, observedGeneration: 2, updatedReplicas: 2 },
      }),
    ],
  ])('%s is denied, with what to do', (_what, oldObject) => {
    const { answer } = admit({ oldObject, object: changed(oldObject, { template: template('web:v3') }) });
    expect(answer).toMatchObject({
      verdict: 'deny',
      reason: 'Busy',
      message: expect.stringMatching(/2 of 4 pods updated.*retry in a moment.*on-busy: allow/) as string,
    });
  });

  it('is denied before the counts tell of it, by the ReplicaSets', () => {
    const replicaSets = [orphan('web:v0', 3), orphan('web:v1', 1)];
    const ask = (own: typeof replicaSets) =>
      admit({ oldObject: deployment(), object: deployment({ template: v2 }), replicaSets: own }).answer;
    expect(ask(replicaSets)).toMatchObject({ verdict: 'deny', reason: 'Busy' });
    expect(ask(replicaSets)).not.toMatchObject({ message: expect.stringContaining('pods updated') });
    expect(ask([orphan('web:v0', 0), orphan('web:v1', 4)])).toMatchObject({ reason: 'NewRevision' });
  });

  it("is let through where the Namespace says so, unless the Deployment's own word is deny", () => {
    const space = namespace({}, { 'kanari.dev/on-busy': 'allow' });
    const asked = (own: { [name: string]: string }) => {
      const oldObject = deployment({ status: midRollout, annotations: own });
      return admit({ oldObject, object: changed(oldObject, { template: v2 }), namespace: space }).answer
        .verdict;
    };
    expect([asked({}), asked({ 'kanari.dev/on-busy': 'deny' })]).toEqual(['allow', 'deny']);
  });

  it('changes nothing else in the middle of a rolling update', () => {
    const oldObject = deployment({ status: midRollout });
    const { answer } = admit({ oldObject, object: changed(oldObject, { spec: { replicas: 5 } }) });
    expect(answer).toMatchObject({ verdict: 'allow', patch: [] });
  });
});

describe('a hold', () => {
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
