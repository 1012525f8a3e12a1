import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inject, injectionFor } from '../../src/core/injection.ts';
import type { Json, PodTemplate } from '../../src/core/objects.ts';
import { canonicalTemplate, revisionOf, sameTemplate } from '../../src/core/revision.ts';
import { namespace, plainInjection, template } from './deployment-fixtures.ts';

const istio = injectionFor({ sidecar: 'istio' }, namespace());
const withSpec = (spec: object): PodTemplate => ({ ...template(), spec: { ...template().spec, ...spec } });

describe('a revision', () => {
  it('carries the version of its algorithm, and stays what it is: it is stored', () => {
    expect(revisionOf(template(), plainInjection)).toBe('1-aca8b1f2a3');
  });

  it('is the same before and after injection', () => {
    expect(revisionOf(inject(template(), istio), istio)).toBe(revisionOf(template(), istio));
  });
});

describe('two templates', () => {
  it.each<[string, PodTemplate]>([
    ['the order of keys', { spec: template().spec, metadata: { labels: { app: 'web' } } }],
    ['nulls', withSpec({ affinity: null })],
    ['creationTimestamp', { ...template(), metadata: { ...template().metadata, creationTimestamp: null } }],
    ['the hash of their ReplicaSet', template('web:v1', {}, { 'pod-template-hash': 'abc' })],
    ['what is injected', inject(template(), plainInjection)],
    ['an empty map of annotations', { ...template(), metadata: { labels: { app: 'web' }, annotations: {} } }],
  ])('are the same but for %s', (_what, other) => {
    expect(sameTemplate(template(), other, plainInjection)).toBe(true);
    expect(revisionOf(other, plainInjection)).toBe(revisionOf(template(), plainInjection));
  });

  it.each<[string, PodTemplate]>([
    ['an image', template('web:v2')],
    ['an empty label', template('web:v1', {}, { tier: '' })],
    ['an empty object', withSpec({ securityContext: {} })],
    ['an empty list', withSpec({ volumes: [] })],
    ['the order of a list', withSpec({ containers: [{ name: 'log' }, { name: 'web', image: 'web:v1' }] })],
    ["the user's own version", template('web:v1', {}, { version: 'blue' })],
    ['a refused sidecar', template('web:v1', {}, { 'sidecar.istio.io/inject': 'false' })],
    ['a key named like a prototype', withSpec(JSON.parse('{"__proto__": {"a": 1}}') as object)],
  ])('differ by %s', (_what, other) => {
    expect(sameTemplate(template(), other, istio)).toBe(false);
    expect(revisionOf(other, istio)).not.toBe(revisionOf(template(), istio));
  });
});

describe('the text of a template', () => {
  const written = (value: Json): string => {
    if (value === null || typeof value !== 'object') return JSON.stringify(value);
    if (Array.isArray(value)) return `[${value.map(written).join(',')}]`;
    const members = Object.entries(value).flatMap(([key, member]): [string, Json][] =>
      member === null || member === undefined ? [] : [[key, member]],
    );
    const texts = members
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => `${JSON.stringify(key)}:${written(member)}`);
    return `{${texts.join(',')}}`;
  };

  // Few names, so that they come in any order; numbers too, which an object lists first whatever the order.
  const name = fc.constantFrom('a', 'b', 'B', 'ab', '', '9', '10', '__proto__', 'é');
  const { json } = fc.letrec<{ json: Json }>((tie) => ({
    json: fc.oneof(
      { depthSize: 'medium' },
      fc.oneof(
        fc.constant(null),
        fc.boolean(),
        fc.integer(),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.string(),
      ),
      fc.array(tie('json'), { maxLength: 4 }),
      fc.array(fc.tuple(name, tie('json')), { maxLength: 4 }).map((members) => Object.fromEntries(members)),
    ),
  }));

  it('has the keys of every object in order and no nulls, wherever and however deep they are', () => {
    fc.assert(
      fc.property(json, (value) => {
        const text = canonicalTemplate({ spec: { value } }, plainInjection);
        expect(text).toBe(written({ spec: { value } }));
      }),
    );
  });
});
