import { describe, expect, it } from 'vitest';
import type { Deployment, KubeObject } from '../../src/core/objects.ts';
import { createDeploymentDecision } from '../../src/webhook/deployment-decision.ts';
import type { AdmissionRequest } from '../../src/webhook/review.ts';
import { deployment, namespace, template } from '../core/deployment-fixtures.ts';

// What is told of changes that go out without a canary.

const AT_ZERO = { spec: { replicas: 0 } };

const world = () => {
  const told: string[] = [];
  const decide = createDeploymentDecision({
    namespaces: { get: () => namespace() },
    replicaSets: { inNamespace: () => [] },
    ownUsername: () => undefined,
    metricsConfigured: true,
    onUngated: (_, reason) => void told.push(reason),
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
  return { told, asks };
};

describe('a change that goes out without a canary', () => {
  it('is told', () => {
    const { told, asks } = world();
    asks(3);
    expect(told).toEqual(['ScaledToZero']);
  });

  it('is not told for a dry run', () => {
    const { told, asks } = world();
    expect(asks(3, { dryRun: true })).toEqual(asks(3));
    expect(told).toHaveLength(1);
  });
});
