import { describe, expect, it } from 'vitest';
import { injectionFor } from '../../src/core/injection.ts';
import { MARKS } from '../../src/core/marks.ts';
import { type Manifest, ofKind, theOnly } from './manifests.ts';

const NAMESPACE = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } };

describe('the policies', () => {
  const named = (kind: string, name: string): Manifest =>
    ofKind(kind).find(({ metadata }) => metadata.name === name) ?? expect.fail(`no ${kind} ${name}`);
  const failsafe = named('MutatingAdmissionPolicy', 'kanari-failsafe');
  const creation = named('MutatingAdmissionPolicy', 'kanari-failsafe-creation');
  const notice = named('ValidatingAdmissionPolicy', 'kanari-failsafe-notice');
  const guards = ['orphan', 'namespace'].map((of) =>
    named('ValidatingAdmissionPolicy', `kanari-${of}-guard`),
  );
  const webhook = theOnly('MutatingWebhookConfiguration').webhooks[0];

  it('are each bound, the notice only to warn', () => {
    expect(ofKind('MutatingAdmissionPolicyBinding').map(({ spec }) => spec)).toEqual([
      { policyName: 'kanari-failsafe-creation' },
      { policyName: 'kanari-failsafe' },
    ]);
    expect(ofKind('ValidatingAdmissionPolicyBinding').map(({ spec }) => spec)).toEqual([
      { policyName: 'kanari-namespace-guard', validationActions: ['Deny'] },
      { policyName: 'kanari-orphan-guard', validationActions: ['Deny'] },
      { policyName: 'kanari-failsafe-notice', validationActions: ['Warn'] },
    ]);
  });

  it('fail a request only where a release would go out without a word', () => {
    const policies = [failsafe, creation, notice, ...guards].map(({ spec }) => spec.failurePolicy);
    expect(policies).toEqual(['Fail', 'Ignore', 'Ignore', 'Ignore', 'Ignore']);
    for (const { spec } of [failsafe, creation]) expect(spec.reinvocationPolicy).toBe('Never');
  });

  it.each([
    [failsafe, 'UPDATE'],
    [notice, 'UPDATE'],
    [creation, 'CREATE'],
  ])('see the namespaces that the webhook sees, and no subresource', ({ spec }, operation) => {
    expect(spec.matchConstraints.namespaceSelector).toEqual(webhook?.namespaceSelector);
    const rules = [
      {
        apiGroups: ['apps'],
        apiVersions: ['v1'],
        resources: ['deployments'],
        operations: [operation],
        scope: 'Namespaced',
      },
    ];
    expect(spec.matchConstraints.resourceRules).toEqual(rules);
    // Kanari's own user, and canaries: the same words.
    expect(spec.matchConditions.slice(0, 2)).toEqual(webhook?.matchConditions.slice(0, 2));
  });

  const variable = (name: string): string =>
    failsafe.spec.variables.find((one) => one.name === name)?.expression ?? '';

  it.each(['istio', 'linkerd', 'none'] as const)(
    'count as injected what the webhook injects: %s',
    (sidecar) => {
      const { labels, annotations } = injectionFor({ sidecar }, NAMESPACE);
      for (const [key, value] of Object.entries(labels))
        expect(variable('injectedLabels')).toContain(`'${key}': '${value}'`);
      for (const [key, value] of Object.entries(annotations))
        expect(variable('injectedAnnotations')).toContain(`'${key}': '${value}'`);
    },
  );

  it('keep every mark', () => {
    for (const mark of MARKS) {
      expect(variable('kept')).toContain(`'${mark}'`);
      for (const { spec } of [failsafe, creation])
        expect(spec.matchConditions.at(-1)?.expression).toContain(`'${mark}'`);
    }
  });
});
