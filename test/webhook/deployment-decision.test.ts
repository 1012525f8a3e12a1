import { describe, expect, it } from 'vitest';
import type { Deployment, KubeObject } from '../../src/core/objects.ts';
import { createDeploymentDecision } from '../../src/webhook/deployment-decision.ts';
import type { AdmissionRequest } from '../../src/webhook/review.ts';
import { deployment, namespace, template } from '../core/deployment-fixtures.ts';

// What is told of changes that go out without a canary: each once, however often the API server asks.

const AT_ZERO = { spec: { replicas: 0 } };

const world = () => {
  const told: string[] = [];
  const clock = { now: 0 };
  const decide = createDeploymentDecision({
    namespaces: { get: () => namespace() },
    replicaSets: { inNamespace: () => [] },
    ownUsername: () => undefined,
    metricsConfigured: true,
    onUngated: (_, reason) => void told.push(reason),
    now: () => clock.now,
  });
  /** A change of the template at zero replicas, asked of this generation. */
  const asks = (generation: number, request: Partial<AdmissionRequest> = {}, uid = 'u1') => {
    const metadata = { generation, uid };
    const object: Deployment = deployment({ ...AT_ZERO, metadata, template: template('web:v2') });
    const oldObject: KubeObject = deployment({ ...AT_ZERO, metadata });
    return decide({
      uid: 'r1',
      operation: 'UPDATE',
      kind: { group: 'apps', version: 'v1', kind: 'Deployment' },
      resource: { group: 'apps', version: 'v1', resource: 'deployments' },
      namespace: 'shop',
      name: 'web',
      dryRun: false,
      username: 'jane',
      object,
      oldObject,
      ...request,
    });
  };
  return { told, clock, asks };
};

describe('a change that goes out without a canary', () => {
  it('is told once, though the API server asks again after a conflict', () => {
    const { told, clock, asks } = world();
    const first = asks(3);
    clock.now = 800;
    expect(asks(3)).toEqual(first);
    expect(told).toEqual(['ScaledToZero']);
  });

  it('is told again for the next generation, and for another Deployment', () => {
    const { told, asks } = world();
    asks(3);
    asks(4);
    asks(4, {}, 'u2');
    expect(told).toHaveLength(3);
  });

  it('is told again when it comes later: what was refused then may be stored now', () => {
    const { told, clock, asks } = world();
    asks(3);
    clock.now = 10_000;
    asks(3);
    expect(told).toHaveLength(2);
  });

  it('is not told for a dry run, nor does that count as told', () => {
    const { told, asks } = world();
    asks(3, { dryRun: true });
    expect(told).toEqual([]);
    asks(3);
    expect(told).toEqual(['ScaledToZero']);
  });

  it('is forgotten in the order of telling, so that memory stays bounded', () => {
    const { told, asks } = world();
    for (let other = 0; other <= 1_000; other += 1) asks(3, {}, `u${other}`);
    asks(3, {}, 'u1000');
    expect(told).toHaveLength(1_001);
    asks(3, {}, 'u0');
    expect(told).toHaveLength(1_002);
  });
});
