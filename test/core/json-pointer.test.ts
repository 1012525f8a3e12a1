import { describe, expect, it } from 'vitest';
import { parsePointer, valueAt } from '../../src/core/json-pointer.ts';

// The document and the answers of RFC 6901, section 5, and what it leaves out.
const DOCUMENT = JSON.parse(
  '{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\\\j":5,"k\\"l":6," ":7,"m~n":8,"~1":9,"deep":{"list":[{"x":10}]}}',
) as object;

const at = (text: string): unknown => {
  const pointer = parsePointer(text);
  return pointer === undefined ? 'no pointer' : valueAt(DOCUMENT, pointer);
};

describe('a JSON pointer', () => {
  it.each<[string, unknown]>([
    ['', DOCUMENT],
    ['/foo', ['bar', 'baz']],
    ['/foo/0', 'bar'],
    ['/', 0],
    ['/a~1b', 1],
    ['/c%d', 2],
    ['/e^f', 3],
    ['/g|h', 4],
    ['/i\\j', 5],
    ['/k"l', 6],
    ['/ ', 7],
    ['/m~0n', 8],
    ['/~01', 9],
    ['/deep/list/0/x', 10],
  ])('%j leads to its value', (text, value) => {
    expect(at(text)).toEqual(value);
  });

  it.each([
    '/nothing',
    '/foo/2',
    '/foo/-',
    '/foo/00',
    '/foo/length',
    '/foo/0/0',
    '/toString',
    '/__proto__',
    '/deep/list/x',
  ])('%j leads to nothing', (text) => {
    expect(at(text)).toBeUndefined();
  });

  it.each(['foo', 'foo/0', '/a~b', '/a~', '#/foo'])('%j is none', (text) => {
    expect(at(text)).toBe('no pointer');
  });
});
