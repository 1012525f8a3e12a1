import fc from 'fast-check';
import type { Share } from '../../src/core/share.ts';

// Shares of every kind, also such as no plan gives: a split has to come off again whatever it says.

const value = fc.constantFrom('beta', 'b', 'a.b*', 'x;y');
const stringMatch = fc.oneof(
  value.map((exact) => ({ exact })),
  value.map((prefix) => ({ prefix })),
  fc.constantFrom('b[^;]*', '^(a|b)$').map((regex) => ({ regex })),
);
const demands = (...names: string[]) =>
  fc.dictionary(fc.constantFrom(...names), stringMatch, { minKeys: 1, maxKeys: 2 });
const requestMatch = fc
  .record(
    {
      headers: demands('x-group', 'X-Beta', 'cookie'),
      cookies: demands('group', 'beta'),
      query: demands('beta'),
    },
    { requiredKeys: [] },
  )
  .filter((match) => Object.keys(match).length > 0);

export const arbitraryShare: fc.Arbitrary<Share> = fc.record(
  {
    weight: fc.integer({ min: 0, max: 100 }),
    match: fc.array(requestMatch, { minLength: 1, maxLength: 2 }),
    mirror: fc.integer({ min: 1, max: 100 }),
    affinity: fc.record({
      cookie: fc.constantFrom('kanari', 'a.b'),
      maxAgeSeconds: fc.constantFrom(1, 3_600),
      token: fc.constantFrom('1-3fa9c2d4e5.1', '1-3fa9c2d4e5.2'),
    }),
  },
  { requiredKeys: ['weight'] },
);
