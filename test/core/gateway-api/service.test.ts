import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isService, restoreService, splitService } from '../../../src/core/gateway-api/service.ts';
import type { Service, StringMap } from '../../../src/core/objects.ts';
import type { Splits } from '../../../src/core/split-annotation.ts';

const splits: Splits = { web: { services: ['web'], weight: 20 } };
const serviceOf = (selector: StringMap | undefined, name = 'web'): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'shop' },
  spec: { ports: [{ port: 80 }], ...(selector === undefined ? {} : { selector }) },
});

describe('narrowing a Service to the primary', () => {
  const cases: Record<string, { service: Service; expect: StringMap | undefined }> = {
    'adds the version to the selector': {
      service: serviceOf({ app: 'web' }),
      expect: { app: 'web', 'kanari.dev/version': 'primary' },
    },
    'leaves a Service alone that no entry names': {
      service: serviceOf({ app: 'web' }, 'db'),
      expect: { app: 'web' },
    },
    'leaves a version alone that the user selects by': {
      service: serviceOf({ app: 'web', 'kanari.dev/version': 'canary' }),
      expect: { app: 'web', 'kanari.dev/version': 'canary' },
    },
    'leaves a Service alone that selects nothing': { service: serviceOf({}), expect: {} },
    'leaves a Service alone that has no selector': { service: serviceOf(undefined), expect: undefined },
  };
  it.each(Object.entries(cases))('%s, and restores it', (_name, { service, expect: expected }) => {
    const split = splitService(service, splits);
    expect(split.spec?.selector).toEqual(expected);
    expect(restoreService(split)).toEqual(service);
  });

  it('follows the user to another selector', () => {
    const split = splitService(serviceOf({ app: 'web' }), splits);
    const moved = splitService({ ...split, spec: { selector: { app: 'shop' } } }, splits);
    expect(moved.spec?.selector).toEqual({ app: 'shop', 'kanari.dev/version': 'primary' });
    expect(restoreService(moved).spec).toEqual({ selector: { app: 'shop' } });
  });

  it('reads nothing else that is called a Service', () => {
    const service = serviceOf({ app: 'web' });
    expect(isService(service)).toBe(true);
    expect(isService({ ...service, apiVersion: 'serving.knative.dev/v1' })).toBe(false);
    expect(isService({ ...service, spec: { selector: 'app' } } as never)).toBe(false);
  });
});

const selector = fc.option(
  fc.record(
    {
      app: fc.constant('web'),
      'kanari.dev/version': fc.constantFrom('primary', 'canary', ''),
      version: fc.constant('primary'),
    },
    { requiredKeys: [] },
  ),
  { nil: undefined },
);

it('restore(split(x)) is x whatever the selector, and splitting twice is splitting once', () => {
  fc.assert(
    fc.property(selector, fc.constantFrom('web', 'db'), (labels, name) => {
      const user = serviceOf(labels, name);
      const split = splitService(user, splits);
      expect(restoreService(split)).toEqual(user);
      expect(restoreService(user)).toEqual(user);
      expect(splitService(split, splits)).toEqual(split);
    }),
  );
});
