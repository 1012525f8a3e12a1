import { get as request } from 'node:http';
import type { DataPlane } from '../../lab/data-plane.ts';
import { type Lab, startLab } from '../../lab/lab.ts';
import type { Load } from '../../lab/load.ts';
import { startMesh } from '../../lab/mesh.ts';
import type { Proxy } from '../../lab/proxy.ts';
import { eventually, GRACE_CAP_MS } from './release-world.ts';

// Two Deployments behind one Service, as during a canary, and clients of two namespaces, each with a proxy of its own.

export interface MeshWorld {
  lab: Lab;
  mesh: DataPlane;
  /** Clients in the Service's own namespace, and in another. */
  inShop: Proxy;
  outside: Proxy;
}

const deployment = (name: string, version: string, image: string, replicas: number) => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: shop}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: web, version: ${version}}}
  template:
    metadata: {labels: {app: web, version: ${version}}}
    spec:
      containers:
      - name: web
        image: "${image}"
        ports: [{containerPort: 8080}, {name: tcp, containerPort: 9000}, {name: tls, containerPort: 9443}]
---`;

const SERVICES = `
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  selector: {app: web}
  ports:
  - {name: http, port: 80, targetPort: 8080}
  - {name: tcp, port: 9000}
  - {name: tls, port: 9443}
---
apiVersion: v1
kind: Service
metadata: {name: pinned, namespace: shop}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: pinned, namespace: shop}
spec:
  host: pinned
  trafficPolicy: {loadBalancer: {consistentHash: {httpCookie: {name: pin, path: /, ttl: 60s}}}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web, namespace: shop}
spec:
  host: web
  subsets:
  - {name: primary, labels: {version: primary}}
  - {name: canary, labels: {version: canary}}
  - {name: nobody, labels: {version: nobody}}
---`;

export const startMeshWorld = async (): Promise<MeshWorld> => {
  const lab = await startLab({ kubelet: { graceCapMs: GRACE_CAP_MS } });
  try {
    const mesh = await startMesh(lab, { proxies: [{ namespace: 'shop' }, { namespace: 'clients' }] });
    const [inShop, outside] = mesh.proxies;
    if (inShop === undefined || outside === undefined) throw new Error('two proxies were asked for');
    for (const name of ['shop', 'clients'])
      await lab.applyYaml(`apiVersion: v1\nkind: Namespace\nmetadata: {name: ${name}}`);
    await lab.applyYaml(
      SERVICES + deployment('web', 'primary', 'web:v1', 3) + deployment('web-canary', 'canary', 'web:v2', 1),
    );
    for (const name of ['web', 'web-canary']) {
      await lab.kubectl(['rollout', 'status', '-n', 'shop', `deployment/${name}`, '--timeout=180s']);
    }
    for (const proxy of mesh.proxies) {
      for (const version of ['v1', 'v2']) {
        // A proxy learns of each version's pods in its own time; a subset that it knows none of answers 503.
        await eventually(
          async () => (await ask(proxy)).headers['x-version'] === version || undefined,
          () => `an answer of ${version} in ${proxy.namespace}`,
        );
      }
    }
    return { lab, mesh, inShop, outside };
  } catch (error) {
    await lab.stop();
    throw error;
  }
};

/** The route of `web`, its http list as YAML. */
export const webRoute = (http: string, name = 'web', more = ''): string => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}, namespace: shop}
spec:
  hosts: [web.shop.svc.cluster.local]
  http: ${http}
${more}
---`;

/** Shares by subset, without retries, which would hide what the mesh loses; every answer says in `x-route` which route gave it. */
export const shares = (weights: Record<string, number>): string => {
  const route = Object.entries(weights).map(
    ([subset, weight]) => `{destination: {host: web, subset: ${subset}}, weight: ${weight}}`,
  );
  const headers = `{response: {set: {x-route: '${Object.values(weights).join('-')}'}}}`;
  return `{retries: {attempts: 0}, headers: ${headers}, route: [${route.join(', ')}]}`;
};

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
}

/** One request on a connection of its own. */
export const ask = (
  proxy: Proxy,
  { path = '/', headers = {}, host = 'web.shop' }: { path?: string; headers?: object; host?: string } = {},
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    request(
      { host: '127.0.0.1', port: proxy.httpPort, path, headers: { ...headers, host }, agent: false },
      (response) => {
        response
          .resume()
          .once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers }));
      },
    ).on('error', reject);
  });

/** Waits until a proxy answers by the route that says so. */
export const routed = (proxy: Proxy, route: string, path = '/'): Promise<unknown> =>
  eventually(
    async () => (await ask(proxy, { path })).headers['x-route'] === route || undefined,
    () => `the route ${route} in ${proxy.namespace}`,
  );

/** Until the load has sent as many requests more. */
export const loadUntil = (load: Load, requests: number): Promise<unknown> => {
  const before = load.total().requests;
  return eventually(
    () => load.total().requests - before >= requests || undefined,
    () => `${requests} requests`,
  );
};

/** The first value of a query. */
export const query = async ({ mesh }: MeshWorld, expression: string): Promise<number> => {
  const url = `${mesh.prometheusUrl}/api/v1/query?query=${encodeURIComponent(expression)}`;
  const answer = (await (await fetch(url)).json()) as { data: { result: { value: [number, string] }[] } };
  return Number(answer.data.result[0]?.value[1] ?? Number.NaN);
};
