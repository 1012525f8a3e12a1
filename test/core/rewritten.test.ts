import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/core/objects.ts';
import { describeRewritten } from '../../src/core/rewritten.ts';

const route = (name: string, ...managedFields: { [key: string]: string }[]): KubeObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name, managedFields },
});

describe('rewritten routes', () => {
  const cases: Record<string, { objects: KubeObject[]; words: string | undefined }> = {
    'are none': { objects: [], words: undefined },
    'are named': { objects: [route('web')], words: 'VirtualService web' },
    'are told with who wrote them last': {
      objects: [
        route(
          'web',
          { manager: 'kubectl', time: '2026-11-21T02:00:00Z' },
          { manager: 'flux', time: '2026-11-21T02:01:00Z' },
          { manager: 'helm', time: '2026-11-21T01:00:00Z' },
        ),
      ],
      words: 'VirtualService web, last written by flux',
    },
    'are never put down to Kanari, nor to who writes a status': {
      objects: [
        route(
          'web',
          { manager: 'kubectl', time: '2026-11-21T02:00:00Z' },
          { manager: 'kanari', time: '2026-11-21T02:01:00Z' },
          { manager: 'istiod', subresource: 'status', time: '2026-11-21T02:02:00Z' },
        ),
      ],
      words: 'VirtualService web, last written by kubectl',
    },
    'are each told once': {
      objects: [route('web'), route('more'), route('web')],
      words: 'VirtualService web; VirtualService more',
    },
  };
  it.each(Object.entries(cases))('%s', (_name, { objects, words }) => {
    expect(describeRewritten(objects)).toBe(words);
  });
});
