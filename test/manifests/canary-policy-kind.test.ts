import { describe, expect, it } from 'vitest';
import { type CanaryPolicy, fieldOf } from '../../src/core/canary-policy.ts';
import { SETTING_NAMES } from '../../src/core/setting-level.ts';
import { parseSettings } from '../../src/core/settings.ts';
import { definitionOf, undescribed } from './manifests.ts';

const policy = (spec: CanaryPolicy['spec'] & object): CanaryPolicy => ({
  apiVersion: 'kanari.dev/v1alpha1',
  kind: 'CanaryPolicy',
  metadata: { name: 'careful' },
  spec,
});

/** What Kanari finds wrong with it. */
const parsedOf = (spec: CanaryPolicy['spec'] & object) =>
  parseSettings({
    deployment: { 'kanari.dev/policy': 'careful' },
    namespace: {},
    policies: [policy(spec)],
  }).settings.policyProblem;

describe('the CanaryPolicy kind', () => {
  const spec = definitionOf('CanaryPolicy').schema.openAPIV3Schema.properties!['spec']!;
  const fields = Object.keys(spec.properties!);

  it('describes every field for kubectl explain', () => {
    expect(undescribed(spec, 'spec')).toEqual([]);
  });

  it('has a field for every setting but those of one change or one Deployment', () => {
    const settings = SETTING_NAMES.filter((name) => name !== 'skip' && name !== 'policy').map(fieldOf);
    expect(fields).toEqual(expect.arrayContaining(settings));
    expect(fields).not.toContain('skip');
    expect(fields).not.toContain('policy');
  });

  it('gives the words and bounds that annotations have', () => {
    for (const name of SETTING_NAMES) {
      const { enum: words = [], minimum, maximum } = spec.properties![fieldOf(name)] ?? {};
      for (const value of words)
        expect([name, parsedOf({ [fieldOf(name)]: value })]).toEqual([name, undefined]);
      if (minimum === undefined || maximum === undefined) continue;
      const verdicts = [minimum - 1, minimum, maximum, maximum + 1].map((value) =>
        parsedOf({ [fieldOf(name)]: value }),
      );
      expect([name, verdicts.map((problem) => problem?.reason)]).toEqual([
        name,
        ['PolicyInvalid', undefined, undefined, 'PolicyInvalid'],
      ]);
    }
  });
});
