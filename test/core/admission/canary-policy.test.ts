import { describe, expect, it } from 'vitest';
import type { CanaryPolicy } from '../../../src/core/canary-policy.ts';
import type { StringMap } from '../../../src/core/objects.ts';
import { admit, changed, deployment, namespace } from '../deployment-fixtures.ts';
import { v2 } from './rows.ts';

// What people are told at the terminal about the policy that a canary goes by.

const policy = (spec: Record<string, unknown>): CanaryPolicy => ({
  apiVersion: 'kanari.dev/v1alpha1',
  kind: 'CanaryPolicy',
  metadata: { name: 'careful' },
  spec,
});
const match = [{ cookies: { group: { prefix: 'beta' } } }];

const warningsOf = (policies: CanaryPolicy[], annotations: StringMap = {}, spaces: StringMap = {}) => {
  const oldObject = deployment({ annotations: { 'kanari.dev/policy': 'careful', ...annotations } });
  const object = changed(oldObject, { template: v2 });
  const { answer } = admit({ oldObject, object, policies, namespace: namespace({}, spaces) });
  expect(answer).toMatchObject({ verdict: 'allow', reason: 'NewRevision' });
  return answer.warnings;
};

describe('a hold by a policy', () => {
  it.each<[Record<string, unknown>, string]>([
    [{ steps: [20, 40], interval: '9s' }, '20% → 40% in steps of 20%, every 9s'],
    [{ mirror: {}, steps: [20] }, 'a copy of 100% of the requests, then 20% for 1m'],
    [{ iterations: 1 }, '1 check without live traffic, every 1m'],
    [{ iterations: 10, mirror: { percent: 5 } }, '10 checks of a copy of 5% of the requests, every 1m'],
    [{ iterations: 10, match }, '10 checks of requests that match, every 1m'],
    [
      { iterations: 2, match, mirror: { percent: 5 } },
      'a copy of 5% of the requests, then 2 checks of requests that match, every 1m',
    ],
  ])('of %j says how it goes on', (spec, pace) => {
    expect(warningsOf([policy(spec)])).toEqual([
      `kanari: canary of web started (${pace}); v1 keeps serving. Follow: kubectl get canary web -w`,
    ]);
  });

  it('that is not there says that it waits, and for what', () => {
    expect(warningsOf([])).toEqual([
      'kanari: canary of web started (it waits for its CanaryPolicy); v1 keeps serving. Follow: kubectl get canary web -w',
      'kanari: CanaryPolicy careful, which kanari.dev/policy names, is not in the namespace; canaries wait for it',
    ]);
  });

  it('that only routes can carry out, where the Deployment says that there are none, says so', () => {
    const [, ...others] = warningsOf([policy({ iterations: 2, match, mirror: {} })], {
      'kanari.dev/traffic': 'replicas',
    });
    expect(others).toEqual([
      'kanari: match, mirror can not be done with traffic replicas: the canary of web waits for another setting',
    ]);
  });
});
