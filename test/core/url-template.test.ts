import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseUrl } from '../../src/core/url-template.ts';
import { filledBy } from './filled-query.ts';

const filled = filledBy(parseUrl);

describe('a path and query', () => {
  it('is written out', () => {
    expect(filled('/api/{{ namespace }}/{{canary}}?window={{ interval }}&q=a%20b')).toBe(
      '/api/shop/web-canary?window=1m30s&q=a%20b',
    );
  });

  it.each([
    [
      'errors',
      'expected a path that begins with one /, got errors (example: /api/errors?service={{ canary }})',
    ],
    ['//evil.example/x', 'expected a path that begins with one /'],
    ['http://evil.example/x', 'expected a path that begins with one /'],
    ['', 'expected a path that begins with one /'],
    ['/a b', 'expected signs that an address has, others in %, got /a b'],
    ['/a\\b', 'expected signs that an address has'],
    ['/a#b', 'expected signs that an address has'],
    ['/é', 'expected signs that an address has'],
    ['/a\tb', 'expected signs that an address has'],
    ['/a/../b', 'expected a path without . and .. as parts of it'],
    ['/a/%2E./b', 'expected a path without . and .. as parts of it'],
    ['/a/..%2fb', 'expected a path without . and .. as parts of it'],
    ['/a%2F..%5Cb', 'expected a path without . and .. as parts of it'],
    ['/a/..;x/b', 'expected a path without . and .. as parts of it'],
    ['/{{ who }}', 'expected one of name, namespace, target, canary, primary, interval, got {{ who }}'],
    ['/{{ name', 'expected a variable and }} after {{'],
  ])('%j is refused in words', (text, words) => {
    expect(filled(text)).toContain(`problem: ${words}`);
  });

  it('keeps its parts whatever the values are', () => {
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(...'./\\?#%&=;2ef') }),
    );
    fc.assert(
      fc.property(value, value, (name, canary) => {
        const query = filled('/a/{{ name }}/.{{ canary }}?x={{ canary }}&y=1', { name, canary });
        const segments = [name, `.${canary}`].flatMap((text) => text.split(/[/\\]/));
        const dots = segments.some((segment) => /^\.{1,2}(?:;.*)?$/s.test(segment));
        if (dots) {
          expect(query).toMatch(/^refused: the path/);
          return;
        }
        const plain = (text: string): string => text.replace(/\p{Surrogate}/gu, '\uFFFD');
        const { origin, pathname, searchParams, hash } = new URL(`http://web.example${query}`);
        expect([origin, hash]).toEqual(['http://web.example', '']);
        expect(pathname.split('/').map(decodeURIComponent)).toEqual([
          '',
          'a',
          plain(name),
          plain(`.${canary}`),
        ]);
        expect([...searchParams]).toEqual([
          ['x', plain(canary)],
          ['y', '1'],
        ]);
      }),
      { numRuns: 2_000 },
    );
  });
});
