import { describe, expect, it } from 'vitest';
import { inject, injectionFor } from '../../src/core/injection.ts';
import type { PodTemplate } from '../../src/core/objects.ts';
import { revisionOf, sameTemplate } from '../../src/core/revision.ts';
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
