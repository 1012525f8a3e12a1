import { describe, expect, it } from 'vitest';
import { carryInjected, inject, injectionFor, startsBeforeProxy, strip } from '../../src/core/injection.ts';
import type { StringMap } from '../../src/core/objects.ts';
import type { Sidecar } from '../../src/core/release-settings.ts';
import { injected, namespace, plainInjection, template } from './deployment-fixtures.ts';

const VERSIONS = { 'kanari.dev/version': 'primary', version: 'primary' };
const CONFIG = { 'proxy.istio.io/config': '{"holdApplicationUntilProxyStarts": true}' };
const istio = injectionFor({ sidecar: 'istio' }, namespace());

describe('what is injected', () => {
  const ISTIO = { labels: { ...VERSIONS, 'sidecar.istio.io/inject': 'true' }, annotations: CONFIG };
  const LINKERD = { labels: VERSIONS, annotations: { 'linkerd.io/inject': 'enabled' } };
  const INGRESS = { labels: VERSIONS, annotations: { 'linkerd.io/inject': 'ingress' } };
  const AMBIENT = { 'istio.io/dataplane-mode': 'ambient' };
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
    [
      'nothing in an ambient namespace of a revision',
      'auto',
      { 'istio.io/dataplane-mode': 'ambient', 'istio.io/rev': 'canary' },
      {},
      NONE,
    ],
    ['istio in an ambient namespace when the setting says so', 'istio', AMBIENT, {}, ISTIO],
    [
      'istio where the dataplane is that of none',
      'auto',
      { 'istio.io/dataplane-mode': 'none', 'istio-injection': 'enabled' },
      {},
      ISTIO,
    ],
    ["linkerd's mode as the namespace has it", 'auto', {}, { 'linkerd.io/inject': 'ingress' }, INGRESS],
    ['nothing where linkerd is disabled', 'auto', {}, { 'linkerd.io/inject': 'disabled' }, NONE],
    [
      'linkerd when the setting says so, there too',
      'linkerd',
      {},
      { 'linkerd.io/inject': 'disabled' },
      LINKERD,
    ],
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

  it.each<[string, StringMap, StringMap]>([
    ['by a label', { 'sidecar.istio.io/inject': 'false' }, {}],
    ["by another of Istio's words for no", { 'sidecar.istio.io/inject': 'off' }, {}],
    ['by an annotation, though the label was injected before', {}, { 'sidecar.istio.io/inject': 'false' }],
    ['by a pod that is ambient itself', { 'istio.io/dataplane-mode': 'ambient' }, {}],
  ])('takes back what it had injected when the sidecar is refused %s', (_how, labels, annotations) => {
    const before = inject(template(), istio).metadata ?? {};
    const after = inject(
      template('web:v2', { ...before.annotations, ...annotations }, { ...before.labels, ...labels }),
      istio,
    );
    expect(after.metadata).toEqual({
      labels: { app: 'web', ...VERSIONS, ...labels },
      ...(Object.keys(annotations).length > 0 && { annotations }),
    });
  });

  it.each<[string, StringMap, StringMap]>([
    ['its revision of Istio', { 'istio.io/rev': 'canary' }, {}],
    ["Istio's other words for yes", { 'sidecar.istio.io/inject': 'Yes' }, {}],
    ['a yes of older manifests', {}, { 'sidecar.istio.io/inject': 'true' }],
  ])('leaves %s to the pod and adds the rest', (_what, labels, annotations) => {
    expect(inject(template('web:v1', annotations, labels), istio).metadata).toEqual({
      labels: { app: 'web', ...istio.labels, ...labels },
      annotations: { ...CONFIG, ...annotations },
    });
  });

  it.each(['disabled', 'ingress', 'enabled'])("leaves linkerd's %s on the pod as it is", (mode) => {
    const linkerd = injectionFor({ sidecar: 'linkerd' }, namespace());
    const own = template('web:v1', { 'linkerd.io/inject': mode });
    expect(inject(own, linkerd).metadata?.annotations).toEqual({ 'linkerd.io/inject': mode });
  });

  it.each<[string, StringMap, StringMap, boolean]>([
    ['says nothing of it', { 'proxy.istio.io/config': 'concurrency: 2' }, {}, true],
    ['decides it', { 'proxy.istio.io/config': 'holdApplicationUntilProxyStarts: false' }, {}, false],
    ['is not there', {}, {}, false],
    [
      'is of a refused sidecar',
      { 'proxy.istio.io/config': 'concurrency: 2' },
      { 'sidecar.istio.io/inject': 'false' },
      false,
    ],
  ])(
    "knows whether the application waits for its proxy where the user's configuration %s",
    (_what, own, labels, early) => {
      const asked = template('web:v1', own, labels);
      expect(startsBeforeProxy(asked, istio)).toBe(early);
      expect(inject(asked, istio).metadata?.annotations ?? CONFIG).toMatchObject(own);
    },
  );

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
