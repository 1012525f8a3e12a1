import { expect, it } from 'vitest';
import { goJson, withSortedKeys } from '../../src/kube/go-json.ts';

it('escapes what Go escapes, and means the same', () => {
  const value = { args: ['a && b > c', '<x>', 'line\u2028paragraph\u2029', 'größer 🐤 "quoted" \\'] };
  const text = goJson(value);
  expect(text).toContain(String.raw`a \u0026\u0026 b \u003e c`);
  expect(text).toContain(String.raw`line\u2028paragraph\u2029`);
  expect(text).toContain('größer 🐤');
  expect(JSON.parse(text)).toEqual(value);
});

it('sorts keys at every depth, and leaves lists in order', () => {
  const sorted = withSortedKeys({ b: [{ d: 1, c: null }, 2], a: 'x', B: true });
  expect(JSON.stringify(sorted)).toBe('{"B":true,"a":"x","b":[{"c":null,"d":1},2]}');
});
