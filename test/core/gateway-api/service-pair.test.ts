import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canaryNameOf } from '../../../src/core/canary-deployment.ts';
import { isService } from '../../../src/core/gateway-api/service.ts';
import {
  canaryServices,
  pairEntry,
  planCanaryServices,
  planCanaryServicesDeleted,
  planNarrowed,
  planWidened,
  type ServiceView,
} from '../../../src/core/gateway-api/service-pair.ts';
import type { Service } from '../../../src/core/objects.ts';
import type { RouteChange } from '../../../src/core/route-change.ts';
import { withEntry } from '../../../src/core/split-object.ts';

const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'd1', controller: true };

const serviceOf = (name: string, spec: Service['spec'] = {}, metadata: object = {}): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'shop', ...metadata },
  spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }], ...spec },
});

const viewOf = (
  services: Service[],
  others: Service[] = [],
  more: Partial<ServiceView> = {},
): ServiceView => ({
  name: 'web',
  namespace: 'shop',
  owner,
  services,
  existing: [...services, ...others],
  referred: [],
  ...more,
});

/** The namespace after the changes, as the API server would have it. */
const after = (view: ServiceView, changes: RouteChange[]): ServiceView => {
  const existing = new Map(view.existing.map((each) => [each.metadata.name, each]));
  for (const change of changes) {
    const object = change.object as Service;
    const { name } = object.metadata;
    if (change.kind === 'delete') existing.delete(name);
    else existing.set(name, change.kind === 'split' ? withEntry(object, view.name, change.entry) : object);
  }
  const services = view.services.map((each) => existing.get(each.metadata.name) ?? each);
  return { ...view, services, existing: [...existing.values()] };
};

const get = ({ existing }: ServiceView, name: string): Service | undefined =>
  existing.find(({ metadata }) => metadata.name === name);

describe('the Service of the canary', () => {
  it("has the user's ports, and of the pods the canary's only", () => {
    const view = viewOf([serviceOf('web')]);
    const canary = get(after(view, planCanaryServices(view)), 'web-canary');
    expect(canary).toMatchObject({
      metadata: { labels: { 'app.kubernetes.io/managed-by': 'kanari' }, ownerReferences: [owner] },
      spec: {
        type: 'ClusterIP',
        selector: { app: 'web', 'kanari.dev/version': 'canary' },
        ports: [{ name: 'http', port: 80, targetPort: 8080 }],
      },
    });
  });

  it("never leaves the cluster, whatever the user's does", () => {
    const ports = [{ name: 'http', port: 80, appProtocol: 'kubernetes.io/h2c', nodePort: 30_080 }];
    const view = viewOf([serviceOf('web', { type: 'LoadBalancer', clusterIP: '10.96.0.7', ports })]);
    const { spec } = get(after(view, planCanaryServices(view)), 'web-canary') ?? {};
    expect(spec).toMatchObject({ type: 'ClusterIP' });
    expect(spec?.ports).toEqual([{ name: 'http', port: 80, appProtocol: 'kubernetes.io/h2c' }]);
    expect(spec?.clusterIP).toBeUndefined();
  });

  it('is headless, or of two families, where the user’s is', () => {
    const both = { ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' };
    const view = viewOf([serviceOf('web', { clusterIP: 'None', ...both })]);
    expect(get(after(view, planCanaryServices(view)), 'web-canary')?.spec).toMatchObject({
      clusterIP: 'None',
      ...both,
    });
  });

  it('is made anew where its address can not change in place', () => {
    const plain = viewOf([serviceOf('web', { clusterIP: '10.96.0.7' })]);
    const made = after(plain, planCanaryServices(plain));
    const headless = serviceOf('web', { clusterIP: 'None' });
    const view = { ...made, services: [headless] };
    expect(planCanaryServices(view).map(({ kind }) => kind)).toEqual(['delete', 'apply']);
  });

  it('is scraped and spoken to as the user’s is, and belongs to no tool', () => {
    const metadata = {
      labels: { team: 'shop', 'app.kubernetes.io/managed-by': 'Helm' },
      annotations: {
        'projectcontour.io/upstream-protocol.h2c': '80',
        'meta.helm.sh/release-name': 'shop',
        'kubectl.kubernetes.io/last-applied-configuration': '{}',
        'external-dns.alpha.kubernetes.io/hostname': 'shop.example',
      },
    };
    const view = viewOf([serviceOf('web', {}, metadata)]);
    const made = get(after(view, planCanaryServices(view)), 'web-canary');
    expect(made?.metadata.labels).toEqual({ team: 'shop', 'app.kubernetes.io/managed-by': 'kanari' });
    expect(Object.keys(made?.metadata.annotations ?? {}).sort()).toEqual([
      'kanari.dev/split',
      'projectcontour.io/upstream-protocol.h2c',
    ]);
  });

  it('is made for no Service that selects no pods', () => {
    const services = [serviceOf('a', { selector: {} }), serviceOf('b', { type: 'ExternalName' })];
    const view = viewOf(services);
    expect([...planCanaryServices(view), ...planNarrowed(view)]).toEqual([]);
  });

  it('follows the ports of the user’s Service, and is written back when somebody else changes it', () => {
    const view = viewOf([serviceOf('web')]);
    const made = after(view, planCanaryServices(view));
    expect(planCanaryServices(made)).toEqual([]);
    const other = serviceOf('web', { ports: [{ name: 'grpc', port: 90 }] });
    expect(planCanaryServices({ ...made, services: [other] })).toHaveLength(1);
    const stolen = made.existing.map((each) =>
      each.metadata.name === 'web-canary'
        ? { ...each, spec: { ...each.spec, selector: { app: 'x' } } }
        : each,
    );
    expect(planCanaryServices({ ...made, existing: stolen })).toHaveLength(1);
  });
});

describe('the name of the canary’s Service', () => {
  const long = 'w'.repeat(60);
  const hashed = canaryNameOf('web', ['web-canary']);
  const cases: Record<string, { view: ServiceView; expect: Record<string, string>; told: boolean }> = {
    'follows from the Service’s': {
      view: viewOf([serviceOf('web')]),
      expect: { web: 'web-canary' },
      told: false,
    },
    'is cut with a hash': {
      view: viewOf([serviceOf(long)]),
      expect: { [long]: canaryNameOf(long) },
      told: false,
    },
    'is another one where somebody else has it': {
      view: viewOf([serviceOf('web')], [serviceOf('web-canary')]),
      expect: { web: hashed },
      told: true,
    },
    'is another one where a route of the user’s names it': {
      view: viewOf([serviceOf('web')], [], { referred: ['web-canary'] }),
      expect: { web: hashed },
      told: true,
    },
    'is a third one where both are taken': {
      view: viewOf([serviceOf('web')], [serviceOf('web-canary'), serviceOf(hashed)]),
      expect: { web: 'web-2-canary' },
      told: true,
    },
  };
  it.each(Object.entries(cases))('%s', (_name, { view, expect: expected, told }) => {
    expect(canaryServices(view)).toEqual(expected);
    expect(pairEntry(view, { weight: 20 }).canaryServices).toEqual(told ? expected : undefined);
    expect(Object.values(expected).every((name) => name.length <= 63)).toBe(true);
  });

  it('stays the same once it stands', () => {
    const view = viewOf([serviceOf('web')]);
    const made = after(view, planCanaryServices(view));
    expect(canaryServices({ ...made, referred: ['web-canary'] })).toEqual({ web: 'web-canary' });
  });

  it('is not that of another Deployment’s canary of the same Service', () => {
    const other = viewOf([serviceOf('web')], [], { name: 'api' });
    const made = after(other, planCanaryServices(other));
    expect(canaryServices({ ...made, name: 'web' })).toEqual({ web: hashed });
  });
});

const service = fc
  .record({
    name: fc.constantFrom('web', 'api', 'w'.repeat(63)),
    selector: fc.option(
      fc.dictionary(
        fc.constantFrom('app', 'tier', 'kanari.dev/version'),
        fc.constantFrom('', 'primary', 'web'),
      ),
      { nil: undefined },
    ),
    labels: fc.option(fc.dictionary(fc.constantFrom('team', 'x'), fc.string()), { nil: undefined }),
    headless: fc.boolean(),
  })
  .map(({ name, selector, labels, headless }) =>
    serviceOf(
      name,
      {
        ...(headless ? { clusterIP: 'None' } : { clusterIP: '10.96.0.7' }),
        ...(selector === undefined ? {} : { selector }),
      },
      labels === undefined ? {} : { labels },
    ),
  );
const servicesArbitrary = fc.uniqueArray(service, {
  maxLength: 3,
  selector: ({ metadata }) => metadata.name,
});

it('a pair made and unmade leaves the namespace exactly as it was, and each plan is done once carried out', () => {
  fc.assert(
    fc.property(servicesArbitrary, servicesArbitrary, (services, others) => {
      const names = services.map(({ metadata }) => metadata.name);
      const view = viewOf(
        services,
        others.filter(({ metadata }) => !names.includes(metadata.name)),
      );
      const made = after(view, planCanaryServices(view));
      expect(planCanaryServices(made)).toEqual([]);
      const narrowed = after(made, planNarrowed(made));
      expect([...planCanaryServices(narrowed), ...planNarrowed(narrowed)]).toEqual([]);
      const widened = after(narrowed, planWidened(narrowed));
      expect(planWidened(widened)).toEqual([]);
      const gone = after(widened, planCanaryServicesDeleted(widened));
      expect(gone.existing).toEqual(view.existing);
    }),
  );
});

it('what stands for a Service is a Service', () => {
  const view = viewOf([serviceOf('web')]);
  expect(after(view, planCanaryServices(view)).existing.every(isService)).toBe(true);
});
