import jsonpatch from 'fast-json-patch';
import { describe, expect, test } from 'vitest';
import type { Deployment } from '../../src/core/objects.ts';
import { restorePatch } from '../../src/scheduler/deployment-writes.ts';
import { heldAt, injected, revision } from '../core/deployment-fixtures.ts';

const held = heldAt('web:v2');
const patch = restorePatch(held, {
  kind: 'restorePrimary',
  revision: revision('web:v1'),
  template: injected('web:v1'),
  held: injected('web:v2'),
}) as Parameters<typeof jsonpatch.applyPatch>[1];

const applied = (to: Deployment) => jsonpatch.applyPatch(structuredClone(to), patch, true).newDocument;

describe("the write that puts back the lost primary's template", () => {
  test('releases it without the marks of the hold', () => {
    const { spec, metadata } = applied(held);
    expect(spec.template).toEqual(injected('web:v1'));
    expect(spec.paused).toBe(false);
    expect(metadata.annotations).toEqual({ 'kanari.dev/primary': revision('web:v1') });
  });

  test.each<[string, Deployment]>([
    ['another template came', heldAt('web:v3')],
    ['it was released', { ...held, spec: { ...held.spec, paused: false } }],
    ['another run began', heldAt('web:v2', { annotations: { 'kanari.dev/run': '1-other' } })],
  ])('is refused when %s meanwhile', (_what, meanwhile) => {
    expect(() => applied(meanwhile)).toThrow('Test operation failed');
  });
});
