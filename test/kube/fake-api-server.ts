import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import jsonPatch from 'fast-json-patch';
import type { KubeObject } from '../../src/core/objects.ts';
import type { Credentials } from '../../src/kube/credentials.ts';
import { pathOf, type ResourceKind } from '../../src/kube/resources.ts';

export interface RecordedRequest {
  method: string;
  path: string;
  query: Record<string, string>;
  headers: http.IncomingHttpHeaders;
  body: unknown;
}

/** Answers instead of the server; false lets the server answer. */
export type Interceptor = (request: RecordedRequest, response: http.ServerResponse) => boolean;

interface LogEntry {
  type: string;
  path: string;
  object: KubeObject;
}

interface Watch {
  path: string;
  response: http.ServerResponse;
}

const REASONS: Record<number, string> = { 404: 'NotFound', 409: 'Conflict', 410: 'Expired', 422: 'Invalid' };

export const answer = (response: http.ServerResponse, status: number, body: unknown, headers = {}): true => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  return true;
};

export const status = (code: number, extra: object = {}) => ({
  kind: 'Status',
  apiVersion: 'v1',
  status: 'Failure',
  message: `status ${code}`,
  reason: REASONS[code] ?? 'Unknown',
  code,
  ...extra,
});

const mergePatch = (target: unknown, patch: unknown): unknown => {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const base = typeof target === 'object' && target !== null ? target : {};
  const result: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = mergePatch(result[name], value);
  }
  return result;
};

/** A small API server on loopback: lists in pages, watches from a version, patches, and misbehaves on request. */
export const startFakeApiServer = async () => {
  const objects = new Map<string, KubeObject>();
  const log: LogEntry[] = [];
  const requests: RecordedRequest[] = [];
  const interceptors: Interceptor[] = [];
  const watches = new Set<Watch>();
  const sockets = new Set<Socket>();
  const state = { version: 100, oldest: 0, connections: 0 };

  const parent = (path: string) => path.slice(0, path.lastIndexOf('/'));
  // A list of all namespaces is a collection without the /namespaces/<name> part.
  const clusterWide = (path: string) => path.replace(/\/namespaces\/[^/]+(?=\/)/, '');
  const inCollection = (collection: string, path: string) =>
    parent(path) === collection || clusterWide(parent(path)) === collection;
  const line = (type: string, object: unknown) => `${JSON.stringify({ type, object })}\n`;

  const emit = (type: string, path: string, object: KubeObject) => {
    log.push({ type, path, object });
    for (const watch of watches) {
      if (inCollection(watch.path, path)) watch.response.write(line(type, object));
    }
  };

  const store = (path: string, object: KubeObject, uid?: string): KubeObject => {
    state.version += 1;
    const before = objects.get(path);
    const metadata = {
      ...object.metadata,
      uid: before?.metadata.uid ?? uid ?? `uid-${state.version}`,
      resourceVersion: String(state.version),
    };
    const stored = { ...object, metadata };
    objects.set(path, stored);
    emit(before === undefined ? 'ADDED' : 'MODIFIED', path, stored);
    return stored;
  };

  const drop = (path: string) => {
    const object = objects.get(path)!;
    objects.delete(path);
    state.version += 1;
    const metadata = { ...object.metadata, resourceVersion: String(state.version) };
    emit('DELETED', path, { ...object, metadata });
  };

  const list = (request: RecordedRequest, response: http.ServerResponse) => {
    const all = [...objects].filter(([path]) => inCollection(request.path, path)).map(([, object]) => object);
    const start = Number(request.query['continue'] ?? 0);
    const limit = Number(request.query['limit'] ?? all.length);
    const more = start + limit < all.length;
    const metadata = {
      resourceVersion: String(state.version),
      ...(more && { continue: String(start + limit) }),
    };
    // As the real one does: items of a list carry neither kind nor version.
    const items = all.slice(start, start + limit).map((object) => {
      const item: Record<string, unknown> = { ...object };
      delete item['apiVersion'];
      delete item['kind'];
      return item;
    });
    return answer(response, 200, { kind: 'List', apiVersion: 'v1', metadata, items });
  };

  const watch = (request: RecordedRequest, response: http.ServerResponse) => {
    const from = Number(request.query['resourceVersion']);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    if (from < state.oldest) return response.end(line('ERROR', status(410)));
    const entry = { path: request.path, response };
    for (const { type, path, object } of log) {
      if (Number(object.metadata.resourceVersion) > from && inCollection(request.path, path)) {
        response.write(line(type, object));
      }
    }
    watches.add(entry);
    response.on('close', () => watches.delete(entry));
    return true;
  };

  const patched = (request: RecordedRequest, before: KubeObject): KubeObject => {
    const type = request.headers['content-type'];
    if (type !== 'application/json-patch+json') return mergePatch(before, request.body) as KubeObject;
    const operations = structuredClone(request.body) as jsonPatch.Operation[];
    return jsonPatch.applyPatch(structuredClone(before), operations).newDocument;
  };

  const patch = (request: RecordedRequest, response: http.ServerResponse) => {
    const path = request.path.replace(/\/status$/, '');
    const before = objects.get(path);
    const apply = request.headers['content-type'] === 'application/apply-patch+yaml';
    if (before === undefined && !apply) return answer(response, 404, status(404));
    const guard = (request.body as KubeObject).metadata?.resourceVersion;
    if (guard !== undefined && guard !== before?.metadata.resourceVersion) {
      return answer(response, 409, status(409));
    }
    try {
      return answer(response, 200, store(path, patched(request, before ?? ({} as KubeObject))));
    } catch {
      return answer(response, 422, status(422));
    }
  };

  const remove = (request: RecordedRequest, response: http.ServerResponse) => {
    const before = objects.get(request.path);
    if (before === undefined) return answer(response, 404, status(404));
    const wanted = (request.body as { preconditions?: Record<string, string> }).preconditions ?? {};
    const { uid, resourceVersion } = before.metadata;
    if ((wanted['uid'] ?? uid) !== uid) return answer(response, 409, status(409));
    if ((wanted['resourceVersion'] ?? resourceVersion) !== resourceVersion)
      return answer(response, 409, status(409));
    drop(request.path);
    return answer(response, 200, { kind: 'Status', status: 'Success' });
  };

  const read = (request: RecordedRequest, response: http.ServerResponse) => {
    if (request.query['watch'] === 'true') return watch(request, response);
    const object = objects.get(request.path);
    if (object !== undefined) return answer(response, 200, object);
    return /\/[a-z]+s$/.test(request.path) ? list(request, response) : answer(response, 404, status(404));
  };

  const create = (request: RecordedRequest, response: http.ServerResponse) => {
    const object = request.body as KubeObject;
    const path = `${request.path}/${object.metadata.name}`;
    if (objects.has(path)) return answer(response, 409, status(409, { reason: 'AlreadyExists' }));
    return answer(response, 201, store(path, object));
  };

  const serve = (request: RecordedRequest, response: http.ServerResponse) => {
    requests.push(request);
    if (interceptors.some((intercept) => intercept(request, response))) return;
    if (request.method === 'GET') read(request, response);
    else if (request.method === 'POST') create(request, response);
    else if (request.method === 'PATCH') patch(request, response);
    else remove(request, response);
  };

  // Closing what has been idle for 5 s, as by default, may meet a request halfway after a pause of the machine.
  const server = http.createServer({ keepAliveTimeout: 0 }, (incoming, response) => {
    let text = '';
    incoming.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    incoming.on('end', () => {
      const url = new URL(incoming.url!, 'http://fake');
      const body: unknown = text === '' ? undefined : JSON.parse(text);
      const query = Object.fromEntries(url.searchParams);
      serve(
        { method: incoming.method!, path: url.pathname, query, headers: incoming.headers, body },
        response,
      );
    });
  });
  server.on('connection', (socket) => {
    state.connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const pathFor = (object: KubeObject) => pathOf(object.kind as ResourceKind, object.metadata);
  return {
    url,
    requests,
    objects,
    /** Credentials without a secret. */
    credentials: (): Credentials => ({ server: url, identify: () => Promise.resolve({}), renew: () => {} }),
    connections: () => state.connections,
    version: () => String(state.version),
    openWatches: () => watches.size,
    watchRequests: () => requests.filter(({ query }) => query['watch'] === 'true'),
    listRequests: () =>
      requests.filter(({ method, query }) => method === 'GET' && query['limit'] !== undefined),
    put: (object: KubeObject) => store(pathFor(object), object),
    delete: (object: KubeObject) => drop(pathFor(object)),
    /** Answers the next `times` requests that `matches`. */
    intercept: (matches: (request: RecordedRequest) => boolean, act: Interceptor, times = 1) => {
      let left = times;
      interceptors.push((request, response) => {
        if (left === 0 || !matches(request)) return false;
        left -= 1;
        return act(request, response);
      });
    },
    /** Sends one line on every open watch, whatever it says. */
    send: (type: string, object: unknown) => {
      for (const { response } of watches) response.write(line(type, object));
    },
    sendRaw: (text: string) => {
      for (const { response } of watches) response.write(text);
    },
    bookmark: (kind: string) => {
      const object = { apiVersion: 'v1', kind, metadata: { resourceVersion: String(state.version) } };
      for (const { response } of watches) response.write(line('BOOKMARK', object));
    },
    endWatches: () => {
      for (const { response } of watches) response.end();
    },
    resetWatches: () => {
      for (const { response } of watches) response.socket?.resetAndDestroy();
    },
    /** Watches from before now answer 410. */
    compact: () => {
      state.version += 1;
      state.oldest = state.version;
      log.length = 0;
    },
    /** Changes an object without telling any watch, as while nobody is connected. */
    putSilently: (object: KubeObject) => {
      const open = [...watches];
      watches.clear();
      const stored = store(pathFor(object), object);
      for (const entry of open) watches.add(entry);
      return stored;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};

export type FakeApiServer = Awaited<ReturnType<typeof startFakeApiServer>>;

export const service = (name: string, extra: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'shop' },
  ...extra,
});
