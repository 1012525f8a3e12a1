import { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { type MirrorSource, type ObjectList, startMirror } from '../../lab/mirror.ts';
import type { KubeObject } from '../../src/core/objects.ts';
import { eventually } from '../eventually.ts';

const ending = new Set<AbortController>();

afterEach(() => {
  for (const controller of ending) controller.abort();
  ending.clear();
});

const pod = (resourceVersion: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'shop', uid: 'one', resourceVersion },
});

const LIST: ObjectList = {
  apiVersion: 'v1',
  kind: 'PodList',
  metadata: { resourceVersion: '5' },
  items: [pod('5')],
};

const line = (type: string, object: object): string => `${JSON.stringify({ type, object })}\n`;

/** Each watch shows what is next in the script, and ends; the last one stays open. */
const follow = (script: string[][]) => {
  const seen: (string | undefined)[] = [];
  const asked: string[] = [];
  const source: MirrorSource = {
    list: () => {
      asked.push('list');
      return Promise.resolve(LIST);
    },
    watch: (path) => {
      asked.push(new URLSearchParams(path.split('?')[1]).get('resourceVersion') ?? '');
      const lines = script.shift();
      return Promise.resolve(
        lines === undefined ? new Readable({ read: () => undefined }) : Readable.from(lines),
      );
    },
  };
  const controller = new AbortController();
  ending.add(controller);
  const mirror = startMirror(source, '/api/v1/pods', controller.signal);
  mirror.onChange(({ metadata }) => seen.push(metadata.resourceVersion));
  return { seen, asked };
};

describe('a mirror', () => {
  it('goes on where a watch has ended, so that it shows what came and went meanwhile', async () => {
    const { seen, asked } = follow([
      [line('MODIFIED', pod('6'))],
      [],
      [line('MODIFIED', pod('7')), line('MODIFIED', pod('8'))],
    ]);
    await eventually(() => expect(asked).toEqual(['list', '5', '6', '6', '8']));
    expect(seen).toEqual(['5', '6', '7', '8']);
  });

  it('lists anew when what it knows is too old', async () => {
    const { asked } = follow([[line('MODIFIED', pod('6'))], [line('ERROR', { code: 410 })]]);
    await eventually(() => expect(asked).toEqual(['list', '5', '6', 'list', '5']));
  });
});
