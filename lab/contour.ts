import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureBinaries } from './binaries.ts';
import { runCommand } from './command.ts';
import { ensureContourCrds } from './crds.ts';
import type { DataPlane } from './data-plane.ts';
import type { Lab } from './lab.ts';
import { podsHaveRealAddresses } from './pod-network.ts';
import { freePorts } from './ports.ts';
import { startProcess } from './process.ts';
import { startPrometheus } from './prometheus.ts';
import { waitForCondition } from './wait-for.ts';

// The lab's Gateway API: a real Contour with an Envoy of its own, and Prometheus that scrapes that Envoy.

export interface ContourOptions {
  /** Milliseconds between scrapes; 1000 unless given. */
  scrapeIntervalMs?: number;
}

/** `httpPort` is the Gateway's listener: the Host header says which route is asked for. */
export type ContourPlane = Pick<DataPlane, 'httpPort' | 'metricsUrl' | 'prometheusUrl' | 'prometheus'>;

/** What a route refers to. It takes routes of every namespace. */
export const GATEWAY = { namespace: 'projectcontour', name: 'contour' };

/** Contour moves the ports of listeners up by this, out of those that only root may bind. */
const PORT_SHIFT = 8000;

const READY_MS = 60_000;

/**
 * Installs the Gateway API and starts Contour, Envoy and Prometheus; stopped with the lab. Resolves when the Gateway is
 * programmed and Prometheus has scraped Envoy. Nothing listens on `httpPort` before there is a route.
 * @throws outside of a network namespace of the lab's own: there Envoy can't reach the pods.
 */
export const startContour = async (lab: Lab, options: ContourOptions = {}): Promise<ContourPlane> => {
  if (!podsHaveRealAddresses) {
    throw new Error(
      "Contour tells Envoy the pods' real addresses, which are not to be had here: run it by scripts/in-own-network.sh",
    );
  }
  const binaries = await ensureBinaries(['contour', 'envoy', 'prometheus']);
  const crds = await ensureContourCrds();
  const [httpPort = 0, xdsPort = 0, statsPort = 0, ...others] = await freePorts(6);
  const dir = join(lab.dir, 'contour');
  await mkdir(dir, { recursive: true });
  await lab.kubectl(['apply', '--server-side', '-f', crds]);
  await waitForCondition(lab, 'Established', ['crd', '--all']);
  await lab.applyYaml(gatewayYaml(httpPort - PORT_SHIFT));

  await startServer(lab, { program: binaries.contour, dir, ports: { xdsPort, statsPort, others } });
  await startProxy(lab, { programs: binaries, dir, ports: { xdsPort, statsPort } });
  const gateway = ['-n', GATEWAY.namespace, `gateway/${GATEWAY.name}`];
  await waitForCondition(lab, 'Programmed', gateway);
  const metricsUrl = `http://127.0.0.1:${statsPort}/stats/prometheus`;
  const prometheus = await startPrometheus({
    program: binaries.prometheus,
    dir: join(dir, 'prometheus'),
    targetUrl: metricsUrl,
    ...options,
  });
  lab.onStop(() => prometheus.stop());
  return { httpPort, metricsUrl, prometheusUrl: prometheus.url, prometheus };
};

const gatewayYaml = (port: number): string => `
apiVersion: v1
kind: Namespace
metadata: {name: ${GATEWAY.namespace}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: contour}
spec: {controllerName: projectcontour.io/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: ${GATEWAY.name}, namespace: ${GATEWAY.namespace}}
spec:
  gatewayClassName: contour
  listeners:
  - {name: http, protocol: HTTP, port: ${port}, allowedRoutes: {namespaces: {from: All}}}
`;

interface ServerOptions {
  program: string;
  dir: string;
  ports: { xdsPort: number; statsPort: number; others: number[] };
}

const startServer = async (lab: Lab, { program, dir, ports }: ServerOptions): Promise<void> => {
  const config = join(dir, 'contour.json');
  await writeFile(config, JSON.stringify({ gateway: { gatewayRef: GATEWAY } }));
  const [metricsPort = 0, healthPort = 0, debugPort = 0] = ports.others;
  const addresses = {
    xds: ports.xdsPort,
    // Where Envoy is told to serve its counters.
    stats: ports.statsPort,
    http: metricsPort,
    health: healthPort,
    'debug-http': debugPort,
  };
  const server = startProcess({
    name: 'contour',
    program,
    args: ['serve', `--config-path=${config}`, `--kubeconfig=${lab.kubeconfig}`]
      .concat(['--insecure', '--disable-leader-election'])
      .concat(
        Object.entries(addresses).flatMap(([name, port]) => [
          `--${name}-address=127.0.0.1`,
          `--${name}-port=${port}`,
        ]),
      ),
    logFile: join(dir, 'contour.log'),
  });
  lab.onStop(() => server.stop());
  await server.waitUntil(async () => (await fetch(`http://127.0.0.1:${healthPort}/healthz`)).ok, READY_MS);
};

interface ProxyOptions {
  programs: { contour: string; envoy: string };
  dir: string;
  ports: { xdsPort: number; statsPort: number };
}

const startProxy = async (lab: Lab, { programs, dir, ports }: ProxyOptions): Promise<void> => {
  const config = join(dir, 'envoy.json');
  const flags = ['--xds-address=127.0.0.1', `--xds-port=${ports.xdsPort}`];
  const bootstrap = ['bootstrap', config, ...flags, `--admin-address=${join(dir, 'admin.sock')}`];
  const { code, stderr } = await runCommand(programs.contour, bootstrap);
  if (code !== 0) throw new Error(`contour ${bootstrap.join(' ')} exited with ${code}:\n${stderr}`);
  const proxy = startProcess({
    name: 'envoy',
    program: programs.envoy,
    args: ['-c', config, '--service-cluster', GATEWAY.namespace, '--service-node', 'envoy'].concat([
      '--concurrency',
      '1',
      '--log-level',
      'warning',
      '--disable-hot-restart',
    ]),
    logFile: join(dir, 'envoy.log'),
  });
  lab.onStop(() => proxy.stop());
  await proxy.waitUntil(async () => (await fetch(`http://127.0.0.1:${ports.statsPort}/ready`)).ok, READY_MS);
};
