import { describe, expect, it } from 'vitest';
import { carryInjected, inject, injectionFor, strip } from '../../src/core/injection.ts';
import type { StringMap } from '../../src/core/objects.ts';
import type { Sidecar } from '../../src/core/run.ts';
import { injected, namespace, plainInjection, template } from './deployment-fixtures.ts';

const VERSIONS = { 'kanari.dev/version': 'primary', version: 'primary' };
const CONFIG = { 'proxy.istio.io/config': '{"holdApplicationUntilProxyStarts": true}' };
const istio = injectionFor({ sidecar: 'istio' }, namespace());

describe('what is injected', () => {
  const ISTIO = { labels: { ...VERSIONS, 'sidecar.istio.io/inject': 'true' }, annotations: CONFIG };
  const LINKERD = { labels: VERSIONS, annotations: { 'linkerd.io/inject': 'enabled' } };
  const NONE = { labels: VERSIONS, annotations: {} };

  it.each<[string, Sidecar, StringMap, StringMap, object]>([
    ['nothing of a mesh where there is none', 'auto', {}, {}, NONE],
    ['istio where the namespace is injected', 'auto', { 'istio-injection': 'enabled' }, {}, ISTIO],
    ['istio by revision', 'auto', { 'istio.io/rev': 'canary' }, {}, ISTIO],
    [
      'nothing where injection is disabled',
      'auto',
      { 'istio-injection': 'disabled', 'istio.io/rev': 'x' },
      {},
      NONE,
    ],
    ['nothing in an ambient namespace', 'auto', { 'istio.io/dataplane-mode': 'ambient' }, {}, NONE],
    ['linkerd by annotation', 'auto', {}, { 'linkerd.io/inject': 'enabled' }, LINKERD],
    ['istio when the setting says so', 'istio', {}, {}, ISTIO],
    ['linkerd when the setting says so', 'linkerd', { 'istio-injection': 'enabled' }, {}, LINKERD],
    ['nothing when the setting says so', 'none', { 'istio-injection': 'enabled' }, {}, NONE],
  ])('%s', (_sentence, sidecar, labels, annotations, expected) => {
    expect(injectionFor({ sidecar }, namespace(labels, annotations))).toEqual(expected);
  });
});

describe('injecting', () => {
  it('adds what is missing and touches neither the argument nor the rest', () => {
    const original = template('web:v1', { team: 'a' });
    const copy = structuredClone(original);
    expect(inject(original, istio)).toEqual({
      ...copy,
      metadata: {
        labels: { app: 'web', ...istio.labels },
        annotations: { team: 'a', ...CONFIG },
      },
    });
    expect(original).toEqual(copy);
  });

  it("leaves the user's version and proxy configuration, not a copied canary's label", () => {
    const own = template(
      'web:v1',
      { 'proxy.istio.io/config': '{}' },
      { version: 'blue', 'kanari.dev/version': 'canary' },
    );
    expect(inject(own, istio).metadata).toEqual({
      labels: {
        app: 'web',
        version: 'blue',
        'kanari.dev/version': 'primary',
        'sidecar.istio.io/inject': 'true',
      },
      annotations: { 'proxy.istio.io/config': '{}' },
    });
  });

  it('respects a refused sidecar, said by label or, as of old, by annotation', () => {
    const byLabel = inject(template('web:v1', {}, { 'sidecar.istio.io/inject': 'false' }), istio);
    expect(byLabel.metadata).toEqual({
      labels: { app: 'web', ...VERSIONS, 'sidecar.istio.io/inject': 'false' },
    });
    const byAnnotation = inject(template('web:v1', { 'sidecar.istio.io/inject': 'false' }), istio);
    expect(byAnnotation.metadata).toEqual({
      labels: { app: 'web', ...VERSIONS },
      annotations: { 'sidecar.istio.io/inject': 'false' },
    });
  });

  it('is undone by stripping, emptied maps and all', () => {
    expect(strip(inject(template(), istio), istio)).toEqual(template());
    expect(strip(inject({ spec: {} }, istio), istio)).toEqual({ spec: {} });
  });
});

describe('stripping', () => {
  it('keeps values that are not what the injection writes', () => {
    const own = template('web:v1', {}, { version: 'blue', 'sidecar.istio.io/inject': 'false' });
    expect(strip(own, istio)).toEqual(own);
  });

  it('takes the label of the split whatever its value', () => {
    expect(strip(template('web:v1', {}, { 'kanari.dev/version': 'canary' }), istio)).toEqual(template());
  });
});

describe('carrying over what was injected', () => {
  it('puts back what a client dropped', () => {
    expect(carryInjected(template(), injected(), plainInjection)).toEqual(injected());
  });

  it('adds nothing that was not there, even when the client did', () => {
    expect(carryInjected(injected(), template(), plainInjection)).toEqual(template());
  });

  it("leaves the user's own value", () => {
    const own = template('web:v1', {}, { version: 'blue' });
    expect(carryInjected(own, injected(), plainInjection).metadata?.labels).toMatchObject({
      version: 'blue',
    });
  });

  it('returns the very same template when nothing is to be done', () => {
    const same = injected();
    expect(carryInjected(same, injected(), plainInjection)).toBe(same);
  });
});
