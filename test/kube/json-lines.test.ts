import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeJsonLines } from '../../src/kube/json-lines.ts';

async function* chunked(text: string, size: number) {
  for (let at = 0; at < text.length; at += size) yield await Promise.resolve(text.slice(at, at + size));
}

const decodeAll = async (text: string, size = 7, max?: number): Promise<unknown[]> => {
  const values: unknown[] = [];
  for await (const value of decodeJsonLines(chunked(text, size), max)) values.push(value);
  return values;
};

describe('a stream of JSON lines', () => {
  it('gives the same values wherever its chunks break', async () => {
    const values = fc.array(fc.dictionary(fc.string(), fc.string()), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(values, fc.integer({ min: 1, max: 20 }), async (objects, size) => {
        const text = objects.map((object) => `${JSON.stringify(object)}\n`).join('');
        expect(JSON.stringify(await decodeAll(text, size))).toBe(JSON.stringify(objects));
      }),
    );
  });

  it('skips blank lines and drops what was cut off', async () => {
    expect(await decodeAll('{"a":1}\n\n\r\n{"b":')).toEqual([{ a: 1 }]);
  });

  it('reports a line that is no JSON', async () => {
    await expect(decodeAll('{"a":1}\n{"a\n')).rejects.toMatchObject({ reason: 'Undecodable' });
  });

  it('refuses a line without end', async () => {
    await expect(decodeAll(`"${'x'.repeat(100)}`, 7, 50)).rejects.toMatchObject({ reason: 'LineTooLong' });
  });
});
