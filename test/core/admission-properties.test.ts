import fc from 'fast-check';
import jsonpatch from 'fast-json-patch';
import { describe, expect, it } from 'vitest';
import { type AdmissionInput, decideAdmission } from '../../src/core/admission.ts';
import { injectionFor } from '../../src/core/injection.ts';
import type { Deployment, PodTemplate, StringMap } from '../../src/core/objects.ts';
import { sameTemplate } from '../../src/core/revision.ts';
import { parseSettings } from '../../src/core/settings.ts';
import { deployment, namespace, orphan, request, revision, stored } from './deployment-fixtures.ts';

// What holds for any Deployment, any change and any annotation.

const RUNS = { numRuns: 1_000 };

const someOf = <T>(values: Record<string, fc.Arbitrary<T>>): fc.Arbitrary<Record<string, T>> =>
  fc.record(values, { requiredKeys: [] }) as fc.Arbitrary<Record<string, T>>;

const images = fc.constantFrom('web:v1', 'web:v2', 'web:v3');

const templates: fc.Arbitrary<PodTemplate> = fc
  .record({
    image: images,
    labels: someOf({
      'kanari.dev/version': fc.constantFrom('primary', 'canary'),
      version: fc.constantFrom('primary', 'blue'),
      'sidecar.istio.io/inject': fc.constantFrom('true', 'false'),
      'istio.io/dataplane-mode': fc.constantFrom('ambient', 'none'),
    }),
    annotations: someOf({
      'sidecar.istio.io/inject': fc.constantFrom('true', 'false'),
      'proxy.istio.io/config': fc.constantFrom('{"holdApplicationUntilProxyStarts": true}', '{}'),
      'linkerd.io/inject': fc.constantFrom('enabled', 'disabled'),
      'kubectl.kubernetes.io/restartedAt': fc.constantFrom('1', '2'),
    }),
    bare: fc.boolean(),
  })
  .map(({ image, labels, annotations, bare }) => ({
    metadata: { labels: { app: 'web', ...labels }, ...(bare ? {} : { annotations }) },
    spec: { containers: [{ name: 'web', image }] },
  }));

const annotations: fc.Arbitrary<StringMap | undefined> = fc.option(
  someOf({
    'kanari.dev/run': images.map(revision),
    'kanari.dev/primary': images.map(revision),
    'kanari.dev/weight': fc.constantFrom('0', '20'),
    'kanari.dev/held-by': fc.constantFrom('webhook', 'failsafe'),
    'kanari.dev/skip': fc.constantFrom('true', 'INC-1', 'false', ''),
    'kanari.dev/on-busy': fc.constantFrom('allow', 'deny'),
    'kanari.dev/canary-restarts': fc.constantFrom('true', 'false'),
    'kanari.dev/steps': fc.constantFrom('10,50', '50,10'),
    'kanari.dev/sidecar': fc.constantFrom('istio', 'linkerd', 'none'),
    team: fc.constant('a'),
  }),
  { nil: undefined },
);

const statuses: fc.Arbitrary<NonNullable<Deployment['status']>> = fc.record({
  observedGeneration: fc.constantFrom(2, 3),
  replicas: fc.constantFrom(0, 4),
  updatedReplicas: fc.constantFrom(0, 2, 4),
  availableReplicas: fc.constantFrom(0, 4),
  conditions: fc.constantFrom(
    [],
    [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message: 'timed out' }],
    [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message: 'kanari: bad' }],
  ),
});

const deployments: fc.Arbitrary<Deployment> = fc
  .record({
    template: templates,
    annotations,
    paused: fc.constantFrom(undefined, true, false),
    replicas: fc.constantFrom(0, 4),
    history: fc.constantFrom(0, 10),
    strategy: fc.constantFrom('RollingUpdate', 'RollingUpdate', 'RollingUpdate', 'Recreate'),
    status: statuses,
  })
  .map(({ template, annotations: own, paused, replicas, history, strategy, status }) =>
    deployment({
      template,
      status,
      ...(own && { annotations: own }),
      ...(paused !== undefined && { paused }),
      spec: { replicas, revisionHistoryLimit: history, strategy: { type: strategy } },
    }),
  );

const inputs: fc.Arbitrary<AdmissionInput> = fc
  .record({
    operation: fc.constantFrom('CREATE', 'UPDATE', 'UPDATE', 'UPDATE'),
    object: deployments,
    oldObject: deployments,
    // Half of all requests change nothing but annotations, pause and counts.
    sameTemplate: fc.boolean(),
    mesh: fc.constantFrom({}, { 'istio-injection': 'enabled' }),
    replicaSets: fc.constantFrom([], [orphan('web:v1')], [orphan('web:v2', 3, 0)]),
  })
  .map(({ operation, object, oldObject, sameTemplate: same, mesh, replicaSets }) => {
    const asked = same ? { ...object, spec: { ...object.spec, template: oldObject.spec.template } } : object;
    const common = { object: asked, namespace: namespace(mesh), replicaSets };
    return request(operation === 'UPDATE' ? { ...common, oldObject } : common);
  });

const admitOnce = (input: AdmissionInput) => {
  const answer = decideAdmission(input);
  return { answer, after: stored(input.object, answer) };
};

const injectionOf = ({ object, namespace: space }: AdmissionInput) =>
  injectionFor(
    parseSettings({ deployment: object.metadata.annotations ?? {}, namespace: {} }).settings,
    space,
  );

/** As the API server stores it: without empty maps and `paused: false`. */
const settled = ({ metadata, spec }: Deployment) => ({
  annotations: metadata.annotations ?? {},
  spec: { ...spec, paused: spec.paused ?? false },
});

const runsAfter = ({ spec }: Deployment): boolean => spec.paused !== true;

describe('any request', () => {
  it('asked again with its own answer gets an empty patch and the same reason', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const { answer, after } = admitOnce(input);
        if (answer.verdict === 'deny') return;
        const again = decideAdmission({ ...input, object: after });
        expect(again).toMatchObject({ verdict: 'allow', patch: [], reason: answer.reason });
      }),
      RUNS,
    );
  });

  it('gets the same answer whenever it is asked, and is not changed by asking', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const copy = structuredClone(input);
        expect(decideAdmission(input)).toEqual(decideAdmission(copy));
        expect(input).toEqual(copy);
      }),
      { numRuns: 300 },
    );
  });

  it('gets the same answer whether the failsafe has paused it before or not', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const { object, oldObject } = input;
        fc.pre(oldObject !== undefined && object.spec.paused !== true);
        fc.pre(oldObject?.metadata.annotations?.['kanari.dev/held-by'] !== 'failsafe');
        const annotations = { ...object.metadata.annotations, 'kanari.dev/held-by': 'failsafe' };
        const { answer, after } = admitOnce(input);
        const second = admitOnce({
          ...input,
          object: {
            ...object,
            metadata: { ...object.metadata, annotations },
            spec: { ...object.spec, paused: true },
          },
        });
        expect({ ...second.answer, patch: [] }).toEqual({ ...answer, patch: [] });
        if (answer.verdict === 'deny') return;
        expect(settled(second.after)).toEqual(settled(after));
      }),
      RUNS,
    );
  });

  it('is changed only where Kanari owns it', () => {
    const owned =
      /^\/(spec\/(paused|revisionHistoryLimit)|metadata\/annotations\/kanari\.dev~1(run|primary|weight|held-by)|spec\/template\/metadata\/(labels\/(kanari\.dev~1version|version|sidecar\.istio\.io~1inject)|annotations\/(proxy\.istio\.io~1config|linkerd\.io~1inject)))$/;
    // A map that was not there is added whole, and one of which nothing is left is removed.
    const wholeMap = /^\/(metadata\/annotations|spec\/template\/metadata\/annotations)$/;
    fc.assert(
      fc.property(inputs, (input) => {
        const { answer } = admitOnce(input);
        if (answer.verdict === 'deny') return;
        for (const { op, path, value } of answer.patch) {
          if (!wholeMap.test(path)) {
            expect(path).toMatch(owned);
            continue;
          }
          expect(['add', 'remove']).toContain(op);
          const removed: unknown = jsonpatch.getValueByPointer(input.object, path);
          for (const key of Object.keys((op === 'add' ? value : removed) as object)) {
            expect(`${path}/${key.replace('/', '~1')}`).toMatch(owned);
          }
        }
      }),
      RUNS,
    );
  });

  it('leaves a Deployment with a run only if it is paused, and every hold has its run', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const { answer, after } = admitOnce(input);
        if (answer.verdict === 'deny') return;
        const marks = after.metadata.annotations ?? {};
        if (
          ['NewRevision', 'Superseded', 'Resumed', 'Held', 'RevertedToPrimary', 'OrphansFound'].includes(
            answer.reason,
          )
        ) {
          expect(after.spec.paused).toBe(true);
          expect(marks['kanari.dev/run']).toBeDefined();
          expect(marks['kanari.dev/held-by']).toBeDefined();
          expect(marks['kanari.dev/weight']).toBeDefined();
        }
        if (answer.reason === 'UserPaused' || answer.ungated !== undefined) {
          expect(marks['kanari.dev/run']).toBeUndefined();
        }
      }),
      RUNS,
    );
  });

  it('never lets another template run in silence', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const { answer, after } = admitOnce(input);
        const { oldObject } = input;
        if (answer.verdict === 'deny' || oldObject === undefined || !runsAfter(after)) return;
        const injection = injectionOf(input);
        const newPods = !sameTemplate(oldObject.spec.template, after.spec.template, injection);
        // A change back to what serves, at the end of a person's pause, starts nothing.
        const back = oldObject.spec.paused === true && answer.reason === 'Unchanged';
        if (newPods && !back) {
          expect(answer.ungated).toBeDefined();
          expect(answer.warnings[0]).toMatch(/released without a canary/);
        }
      }),
      RUNS,
    );
  });

  it('never restarts the pods of an unchanged template', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const { answer, after } = admitOnce(input);
        if (answer.verdict === 'deny' || input.oldObject === undefined) return;
        if (!['Unchanged', 'Held'].includes(answer.reason)) return;
        if (!sameTemplate(input.oldObject.spec.template, input.object.spec.template, injectionOf(input)))
          return;
        expect({ annotations: {}, ...after.spec.template.metadata }).toEqual({
          annotations: {},
          ...input.oldObject.spec.template.metadata,
        });
      }),
      RUNS,
    );
  });
});
