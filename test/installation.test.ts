import { describe, expect, it, test } from 'vitest';
import { parseConfig } from '../src/config.ts';
import { documentsIn } from './manifests/manifest-files.ts';

// How Kanari itself is run: that a node, a zone, a drained node or a full cluster does not take its webhook away.

interface Port {
  port: number | string;
  protocol: string;
}
interface Selector {
  matchLabels: object;
}
interface Spread {
  topologyKey: string;
  whenUnsatisfiable: string;
  labelSelector: Selector;
  matchLabelKeys: string[];
}
interface Container {
  env: { name: string; value?: string }[];
  ports: { name: string; containerPort: number }[];
  securityContext: object;
}
interface Workload {
  metadata: { namespace: string };
  spec: {
    replicas: number;
    strategy: { rollingUpdate: object };
    selector: Selector;
    template: {
      metadata: { labels: object };
      spec: {
        serviceAccountName: string;
        automountServiceAccountToken: boolean;
        enableServiceLinks: boolean;
        priorityClassName: string;
        securityContext: object;
        topologySpreadConstraints: Spread[];
        containers: [Container];
      };
    };
  };
}

const [deployment] = documentsIn<Workload>('base/deployment.yaml') as [Workload];
const { template } = deployment.spec;
const [container] = template.spec.containers;
const podLabels = { matchLabels: template.metadata.labels };

const only = <T>(file: string): T => {
  const [document, ...others] = documentsIn<T>(file);
  if (document === undefined || others.length > 0) throw new Error(`expected one document in ${file}`);
  return document;
};

describe('the Deployment', () => {
  it('runs without privileges on a read-only root', () => {
    expect(template.spec.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  it('has two replicas, limits and probes, and replaces none before its successor is ready', () => {
    expect(deployment.spec.replicas).toBe(2);
    expect(deployment.spec.strategy.rollingUpdate).toEqual({ maxUnavailable: 0, maxSurge: 1 });
    expect(container).toMatchObject({
      resources: { requests: {}, limits: {} },
      livenessProbe: { httpGet: { path: '/healthz' } },
      readinessProbe: { httpGet: { path: '/readyz' } },
    });
  });

  it('spreads its pods over zones and hosts, and starts where there is but one', () => {
    const spread = template.spec.topologySpreadConstraints;
    expect(spread.map(({ topologyKey }) => topologyKey)).toEqual([
      'topology.kubernetes.io/zone',
      'kubernetes.io/hostname',
    ]);
    for (const constraint of spread) {
      expect(constraint).toMatchObject({
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: podLabels,
        matchLabelKeys: ['pod-template-hash'],
      });
    }
  });

  it('has a priority of its own, above the default and below what users may not have', () => {
    const { metadata, value } = only<{ metadata: { name: string }; value: number }>(
      'base/priority-class.yaml',
    );
    expect(template.spec.priorityClassName).toBe(metadata.name);
    expect(value).toBeGreaterThan(0);
    expect(value).toBeLessThan(1_000_000_000);
  });

  it('asks for the token that its ServiceAccount does not hand out unasked', () => {
    const account = only<{ metadata: { name: string }; automountServiceAccountToken: boolean }>(
      'base/rbac/service-account.yaml',
    );
    expect(template.spec.serviceAccountName).toBe(account.metadata.name);
    expect(account.automountServiceAccountToken).toBe(false);
    expect(template.spec.automountServiceAccountToken).toBe(true);
  });
});

test('the PodDisruptionBudget keeps one replica, and lets those that are not ready be evicted', () => {
  const { spec } = only<{ spec: object }>('base/pod-disruption-budget.yaml');
  expect(spec).toEqual({
    minAvailable: 1,
    selector: deployment.spec.selector,
    unhealthyPodEvictionPolicy: 'AlwaysAllow',
  });
});

test('the Namespace refuses pods that are not restricted, by rules that an upgrade does not change', () => {
  const { metadata } = only<{ metadata: { name: string; labels: object } }>('base/namespace.yaml');
  expect(metadata.name).toBe(deployment.metadata.namespace);
  expect(metadata.labels).toMatchObject({
    'pod-security.kubernetes.io/enforce': 'restricted',
    'pod-security.kubernetes.io/enforce-version': expect.stringMatching(/^v1\.\d+$/),
    'pod-security.kubernetes.io/warn': 'restricted',
    'pod-security.kubernetes.io/audit': 'restricted',
  });
});

test('no Service of the namespace can set a variable that Kanari reads: kanari-metrics would, KANARI_METRICS_PORT', () => {
  expect(template.spec.enableServiceLinks).toBe(false);
});

describe('the NetworkPolicy', () => {
  interface NetworkPolicy {
    spec: {
      podSelector: object;
      policyTypes: string[];
      ingress: { from?: object[]; ports: Port[] }[];
      egress: { to?: object[]; ports: Port[] }[];
    };
  }
  const { spec } = only<NetworkPolicy>('base/network-policy.yaml');
  const portOf = (name: string) => container.ports.find((port) => port.name === name)?.containerPort;

  it('is about the pods of the Deployment, both ways', () => {
    expect(spec.podSelector).toEqual(podLabels);
    expect(spec.policyTypes).toEqual(['Ingress', 'Egress']);
  });

  it('lets API servers in from anywhere, scrapers from pods, and nobody anywhere else', () => {
    expect(spec.ingress.map(({ from, ports }) => [from, ports.map(({ port }) => port)])).toEqual([
      [undefined, ['webhook']],
      [[{ namespaceSelector: {} }], ['metrics']],
    ]);
    expect([portOf('webhook'), portOf('metrics')]).toEqual([8443, 9090]);
  });

  it('lets Kanari out to DNS, API servers and the metrics server that the Deployment names', () => {
    const environment = Object.fromEntries(container.env.map(({ name, value }) => [name, value]));
    const parsed = parseConfig([], environment);
    const url = parsed.ok === true ? parsed.config.prometheusUrl : undefined;
    const metricsPort = Number(new URL(url ?? '').port);
    const allowed = spec.egress.flatMap(({ ports }) =>
      ports.map(({ port, protocol }) => `${protocol} ${port}`),
    );
    expect(allowed).toEqual(['UDP 53', 'TCP 53', 'TCP 443', 'TCP 6443', 'TCP 8443', `TCP ${metricsPort}`]);
  });
});
