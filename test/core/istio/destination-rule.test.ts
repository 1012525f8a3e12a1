import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type DestinationRule,
  restoreDestinationRule,
  splitDestinationRule,
} from '../../../src/core/istio/destination-rule.ts';
import type { Splits } from '../../../src/core/split-annotation.ts';

const splits: Splits = { web: { services: ['web'], weight: 0, subsets: ['v1'] } };
const rule = (spec: Partial<DestinationRule['spec']>): DestinationRule => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: { name: 'web', namespace: 'shop' },
  spec: { host: 'web', ...spec },
});
const ours = [
  { name: 'kanari-primary', labels: { 'kanari.dev/version': 'primary' } },
  { name: 'kanari-canary', labels: { 'kanari.dev/version': 'canary' } },
];

describe('lending a DestinationRule subsets', () => {
  it('adds one for each side', () => {
    expect(splitDestinationRule(rule({}), splits).spec.subsets).toEqual(ours);
  });

  it("adds them within a subset of the user's that the entry lists, policy included", () => {
    const v1 = { name: 'v1', labels: { version: 'v1' }, trafficPolicy: { tls: { mode: 'DISABLE' } } };
    const v2 = { name: 'v2', labels: { version: 'v2' } };
    const within = (side: string): object => ({
      ...v1,
      name: `kanari-${side}-v1`,
      labels: { version: 'v1', 'kanari.dev/version': side },
    });
    expect(splitDestinationRule(rule({ subsets: [v1, v2] }), splits).spec.subsets).toEqual([
      v1,
      v2,
      ...ours,
      within('primary'),
      within('canary'),
    ]);
  });

  it('adds none when the host has become another', () => {
    expect(splitDestinationRule(rule({ host: 'db' }), splits).spec).toEqual({ host: 'db' });
  });
});

const subsets = fc.option(
  fc.uniqueArray(
    fc.record(
      { name: fc.constantFrom('v1', 'v2', 'prod', 'canary'), labels: fc.constant({ version: 'v1' }) },
      { requiredKeys: ['name'] },
    ),
    { selector: ({ name }) => name },
  ),
  { nil: undefined },
);
const arbitraryRule = fc
  .record({ host: fc.constantFrom('web', 'web.shop', 'db'), subsets, policy: fc.boolean() })
  .map(({ host, subsets: list, policy }) =>
    rule({
      host,
      ...(list === undefined ? {} : { subsets: list }),
      ...(policy ? { trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } } : {}),
    }),
  );

describe('whatever the DestinationRule', () => {
  it('restore(split(x)) is x, absent and empty subsets told apart', () => {
    fc.assert(
      fc.property(arbitraryRule, (user) => {
        const split = splitDestinationRule(user, splits);
        expect(restoreDestinationRule(split)).toEqual(user);
        expect(restoreDestinationRule(user)).toEqual(user);
        expect(splitDestinationRule(split, splits)).toEqual(split);
      }),
    );
  });
});
