import { describe, expect, test } from 'vitest';
import type { EndpointSlice, Pod, StringMap } from '../../src/core/objects.ts';
import { endpointsOf, type ServiceSides } from '../../src/scheduler/endpoints.ts';

const pod = (name: string, labels: StringMap, revision?: string): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace: 'shop',
    labels,
    ...(revision === undefined ? {} : { annotations: { 'kanari.dev/revision': revision } }),
  },
});

const PODS = new Map(
  [
    pod('p1', { 'kanari.dev/version': 'primary' }),
    pod('p2', {}),
    pod('c1', { 'kanari.dev/version': 'canary' }, 'now'),
    pod('c0', { 'kanari.dev/version': 'canary' }, 'before'),
  ].map((object) => [`shop/${object.metadata.name}`, object]),
);

const slice = (service: string, names: string[], ready = true): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: `${service}-x`, namespace: 'shop', labels: { 'kubernetes.io/service-name': service } },
  endpoints: names.map((name) => ({
    addresses: [],
    conditions: { ready },
    targetRef: { kind: 'Pod', name },
  })),
});

const count = (slices: EndpointSlice[], services: (string | ServiceSides)[]) =>
  endpointsOf(
    slices,
    services.map((each) => (typeof each === 'string' ? { name: each } : each)),
    (key) => PODS.get(key),
    'now',
  );

describe('ready endpoints', () => {
  test('are told apart by label and revision', () => {
    expect(count([slice('web', ['p1', 'p2', 'c1', 'c0'])], ['web'])).toEqual({
      primary: 1,
      primaryUnlabelled: 1,
      canary: 1,
      canaryAny: 2,
    });
  });

  test('of both address families count once', () => {
    expect(count([slice('web', ['p1']), slice('web', ['p1'])], ['web']).primary).toBe(1);
  });

  test('do not include those that are not ready, nor those of other Services', () => {
    const slices = [slice('web', ['p1'], false), slice('other', ['c1'])];
    expect(count(slices, ['web'])).toEqual({ primary: 0, primaryUnlabelled: 0, canary: 0, canaryAny: 0 });
  });

  test('of several Services are those of the worst', () => {
    expect(count([slice('a', ['p1', 'c1']), slice('b', ['p1', 'p2', 'c0'])], ['a', 'b'])).toEqual({
      primary: 1,
      primaryUnlabelled: 1,
      canary: 0,
      canaryAny: 1,
    });
  });

  test('of the canary are those behind its own Service, where it has one', () => {
    const slices = [slice('web', ['p1', 'p2', 'c0']), slice('web-canary', ['c1'])];
    expect(count(slices, [{ name: 'web', canary: 'web-canary' }])).toEqual({
      primary: 1,
      primaryUnlabelled: 1,
      canary: 1,
      canaryAny: 2,
    });
    const early = [slice('web', ['p1', 'c1'])];
    expect(count(early, [{ name: 'web', canary: 'web-canary' }])).toMatchObject({ canary: 0, canaryAny: 1 });
  });

  test('of a Service that has just been made are not known yet', () => {
    const slices = [slice('web', ['p1', 'c1'])];
    expect(count(slices, ['web', 'late'])).toMatchObject({ canary: 0, unlisted: true });
    expect(count([...slices, slice('late', [])], ['web', 'late'])).not.toHaveProperty('unlisted');
  });

  test('are none where there is no Service', () => {
    expect(count([slice('web', ['p1'])], [])).toEqual({
      primary: 0,
      primaryUnlabelled: 0,
      canary: 0,
      canaryAny: 0,
    });
  });
});
