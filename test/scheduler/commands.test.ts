import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Canary } from '../../src/core/snapshot.ts';
import { createReader } from '../../src/kube/reader.ts';
import { pathOf } from '../../src/kube/resources.ts';
import { createRest, type Rest } from '../../src/kube/rest.ts';
import { createWriter } from '../../src/kube/writer.ts';
import { perform } from '../../src/scheduler/effects.ts';
import { deployment } from '../core/deployment-fixtures.ts';
import { type FakeApiServer, startFakeApiServer } from '../kube/fake-api-server.ts';
import { canaryOf } from './fake-cluster.ts';

// A command is taken off the Canary once it is read; a person may have given another one by then.

let server: FakeApiServer;
let rest: Rest;
beforeEach(async () => {
  server = await startFakeApiServer();
  rest = createRest({ credentials: server.credentials(), userAgent: 'test' });
});
afterEach(async () => {
  rest.close();
  await server.close();
});

const path = pathOf('Canary', { namespace: 'shop', name: 'web' });
const told = (command?: string): Canary => {
  const canary = canaryOf();
  const annotations = { team: 'shop', ...(command === undefined ? {} : { 'kanari.dev/command': command }) };
  return { ...canary, metadata: { ...canary.metadata, annotations } };
};

/** What is left on the Canary, stored with one command, once that which was read of it has been taken away. */
const leftBy = async ({ read, stored }: { read: string; stored?: string }) => {
  server.put(told(stored));
  const ports = { reader: createReader(rest), writer: createWriter(rest) };
  const gathered = {
    snapshot: { key: 'shop/web', deployment: deployment(), canary: told(read), command: read },
  };
  const { signal } = new AbortController();
  await perform({ ports, gathered, signal } as unknown as Parameters<typeof perform>[0], {
    kind: 'consumeCommand',
  });
  return server.objects.get(path)?.metadata.annotations;
};

it('goes once it is read, and nothing else does', async () => {
  expect(await leftBy({ read: 'pause', stored: 'pause' })).toEqual({ team: 'shop' });
});

it('stays when it is another one by then, and is heard at the next look', async () => {
  expect(await leftBy({ read: 'pause', stored: 'abort' })).toMatchObject({ 'kanari.dev/command': 'abort' });
});

it('is not missed when its giver has taken it back', async () => {
  expect(await leftBy({ read: 'pause' })).toEqual({ team: 'shop' });
});
