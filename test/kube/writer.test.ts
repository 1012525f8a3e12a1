import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Reader, Writer } from '../../src/kube/api.ts';
import { isConflict, isInvalid, isNotFound } from '../../src/kube/errors.ts';
import { createReader } from '../../src/kube/reader.ts';
import { createRest, type Rest } from '../../src/kube/rest.ts';
import { createWriter } from '../../src/kube/writer.ts';
import { type FakeApiServer, service, startFakeApiServer } from './fake-api-server.ts';

const { signal } = new AbortController();
const WEB = { kind: 'Service', namespace: 'shop', name: 'web' } as const;
const PATH = '/api/v1/namespaces/shop/services/web';

let server: FakeApiServer;
let rest: Rest;
let writer: Writer;
let reader: Reader;

beforeEach(async () => {
  server = await startFakeApiServer();
  rest = createRest({ credentials: server.credentials(), userAgent: 'kanari/test' });
  writer = createWriter(rest);
  reader = createReader(rest);
});
afterEach(async () => {
  rest.close();
  await server.close();
});

const caught = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('each kind of write', () => {
  const table: { what: string; act: () => Promise<unknown>; sent: object; type: string }[] = [
    {
      what: 'create',
      act: () => writer.create(service('new'), { signal }),
      sent: { method: 'POST', path: '/api/v1/namespaces/shop/services', query: { fieldManager: 'kanari' } },
      type: 'application/json',
    },
    {
      what: 'apply',
      act: () => writer.apply(service('web'), { signal }),
      sent: { method: 'PATCH', path: PATH, query: { fieldManager: 'kanari', force: 'false' } },
      type: 'application/apply-patch+yaml',
    },
    {
      what: 'apply with force, of the status',
      act: () => writer.apply(service('web'), { signal, force: true, subresource: 'status' }),
      sent: { path: `${PATH}/status`, query: { fieldManager: 'kanari', force: 'true' } },
      type: 'application/apply-patch+yaml',
    },
    {
      what: 'merge patch',
      act: () => writer.mergePatch(WEB, { a: 1 }, { signal }),
      sent: { method: 'PATCH', path: PATH, query: { fieldManager: 'kanari' }, body: { a: 1 } },
      type: 'application/merge-patch+json',
    },
    {
      what: 'strategic patch',
      act: () => writer.strategicPatch(WEB, { a: 1 }, { signal, subresource: 'status' }),
      sent: { method: 'PATCH', path: `${PATH}/status`, query: { fieldManager: 'kanari' } },
      type: 'application/strategic-merge-patch+json',
    },
    {
      what: 'JSON patch',
      act: () => writer.jsonPatch(WEB, [{ op: 'add', path: '/a', value: 1 }], { signal }),
      sent: { method: 'PATCH', path: PATH, query: { fieldManager: 'kanari' } },
      type: 'application/json-patch+json',
    },
  ];
  it.each(table)('$what has its content type and its manager', async ({ act, sent, type }) => {
    server.put(service('web'));
    await act();
    expect(server.requests).toMatchObject([{ ...sent, headers: { 'content-type': type } }]);
  });
});

describe('a guarded write', () => {
  it('that fails its test writes nothing', async () => {
    const before = server.put(service('web', { a: 1 }));
    const operations = [
      { op: 'test', path: '/a', value: 2 },
      { op: 'replace', path: '/a', value: 3 },
    ] as const;
    expect(isInvalid(await caught(writer.jsonPatch(WEB, [...operations], { signal })))).toBe(true);
    expect(server.objects.get(PATH)).toEqual(before);
  });

  it('over a version that has changed is a conflict', async () => {
    server.put(service('web'));
    const body = { metadata: { resourceVersion: '1' } };
    expect(isConflict(await caught(writer.mergePatch(WEB, body, { signal })))).toBe(true);
  });
});

describe('a deletion', () => {
  it('is in the background and guarded by UID', async () => {
    const uid = server.put(service('web')).metadata.uid!;
    await writer.delete(WEB, { signal, uid });
    expect(server.objects.size).toBe(0);
    expect(server.requests[0]?.body).toEqual({
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: 'Background',
      preconditions: { uid },
    });
  });

  it('of what is gone is done', async () => {
    await writer.delete(WEB, { signal });
    expect(server.requests).toHaveLength(1);
  });

  it('of a namesake with another UID is done, and leaves it', async () => {
    server.put(service('web'));
    await writer.delete(WEB, { signal, uid: 'another' });
    expect(server.objects.size).toBe(1);
  });

  it('of a version that has changed is a conflict', async () => {
    const uid = server.put(service('web')).metadata.uid!;
    const error = await caught(writer.delete(WEB, { signal, uid, resourceVersion: '1' }));
    expect(isConflict(error)).toBe(true);
    expect(server.objects.size).toBe(1);
  });
});

it('refuses kinds that Kanari does not know', async () => {
  const node = { ...service('n'), kind: 'Node' };
  expect(String(await caught(writer.create(node, { signal })))).toContain('no objects of kind Node');
});

describe('the reader', () => {
  it('gets one object as it is', async () => {
    const stored = server.put(service('web', { novel: { deep: [] } }));
    expect(await reader.get(WEB, { signal })).toEqual(stored);
    expect(isNotFound(await caught(reader.get({ ...WEB, name: 'other' }, { signal })))).toBe(true);
  });

  it('lists all pages', async () => {
    for (let index = 0; index < 501; index += 1) server.put(service(`s${index}`));
    const listed = await reader.list('Service', { signal, namespace: 'shop' });
    expect(listed).toHaveLength(501);
    expect(listed[0]).toMatchObject({ apiVersion: 'v1', kind: 'Service' });
    expect(server.requests).toHaveLength(2);
  });
});
