import { describe, expect, it } from 'vitest';
import type { Deployment } from '../../../src/core/objects.ts';
import { admit, changed, deployment, namespace, orphan } from '../deployment-fixtures.ts';
import { v2 } from './rows.ts';

// Who sets a bad value is told at once; nobody else is kept from anything.

describe('a label of the Deployment', () => {
  const warningsOf = (labels: Record<string, string>) =>
    admit({ object: deployment({ metadata: { labels } }) }).answer.warnings;

  it('that says neither yes nor no has no effect, and is warned about', () => {
    expect(warningsOf({ 'kanari.dev/rollouts': 'off' })).toEqual([
      'kanari: label kanari.dev/rollouts: expected enabled or disabled, got off (example: "disabled")',
    ]);
    expect(warningsOf({ 'kanari.dev/rollouts': 'enabled' })).toEqual([]);
  });

  it('that would be a setting as an annotation is warned about', () => {
    expect(warningsOf({ 'kanari.dev/skip': 'yes', 'kanari.dev/version': 'x', app: 'web' })).toEqual([
      'kanari: kanari.dev/skip is an annotation, not a label: it has no effect here',
    ]);
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
    expect(admit({ object, replicaSets: [orphan('web:v0')] }).answer.verdict).toBe('deny');
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

  it('is denied when a request makes it another bad one, and not when it takes it away', () => {
    const oldObject = deployment({ annotations: bad });
    const asked = (object: Deployment) => admit({ oldObject, object }).answer.verdict;
    expect(asked(changed(oldObject, { annotations: { 'kanari.dev/steps': 'all' } }))).toBe('deny');
    expect(asked(deployment())).toBe('allow');
  });

  it('is only warned about when the Namespace has it', () => {
    const { answer } = admit({ object: deployment(), namespace: namespace({}, bad) });
    expect(answer).toMatchObject({
      verdict: 'allow',
      warnings: [words.replace('[2]:', '[2] of the Namespace:')],
    });
  });
});
