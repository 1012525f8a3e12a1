import { expect } from 'vitest';
import type { Effect } from '../../../src/core/effects.ts';
import type { Condition, Deployment } from '../../../src/core/objects.ts';
import { canaryReplicas } from '../../../src/core/replicas.ts';
import { SimulatedCluster } from './simulated-cluster.ts';

// The simulated cluster, its Deployment scaled by somebody, with proxies that learn a weight late and a quota on pods.
// What must never be: a canary with fewer pods than the weight needs that some proxy may still send by.

const LEARNT_MS = 2_000;

const REFUSED: Condition = {
  type: 'ReplicaFailure',
  status: 'True',
  reason: 'FailedCreate',
  message: 'exceeded quota: pods',
};

export class ScaledCluster extends SimulatedCluster {
  /** Most pods that the namespace may have. */
  quota = Number.POSITIVE_INFINITY;
  /** Canary pods that do not become ready, of those that there are. */
  unready = 0;
  /** Most pods that the canary was ever asked to have. */
  most = 0;
  private written: { weight: number; at: number }[] = [];

  get replicas(): number {
    return this.deployment.spec.replicas ?? 0;
  }

  get canaryPods(): number {
    return this.canaryDeployment?.spec.replicas ?? 0;
  }

  /** What an HPA or a person does; a paused Deployment scales the ReplicaSet that serves. */
  scale(replicas: number): void {
    const { generation = 0 } = this.deployment.metadata;
    this.deployment = {
      ...this.deployment,
      metadata: { ...this.deployment.metadata, generation: generation + 1 },
      spec: { ...this.deployment.spec, replicas },
      status: {
        ...this.deployment.status,
        observedGeneration: generation + 1,
        replicas,
        readyReplicas: replicas,
        availableReplicas: replicas,
      },
    };
    this.replicaSets = this.replicaSets.map((set) =>
      (set.spec.replicas ?? 0) > 0 ? { ...set, spec: { ...set.spec, replicas } } : set,
    );
  }

  /** The largest weight that a proxy may send by. */
  private get sentWeight(): number {
    const since = this.now.getTime() - LEARNT_MS;
    const lately = this.written.filter(
      ({ at }, index) => at > since || (this.written[index + 1]?.at ?? Number.POSITIVE_INFINITY) > since,
    );
    return Math.max(0, ...lately.map(({ weight }) => weight));
  }

  override perform(effect: Effect): void {
    if (effect.kind === 'applyCanary') {
      const pods = effect.manifest.spec.replicas ?? 0;
      this.most = Math.max(this.most, pods);
      if (this.routed) this.expectEnough(pods);
    }
    if (effect.kind === 'setShare') {
      if (effect.share.weight > (this.weight ?? 0)) {
        expect(this.ready, 'a weight that the canary can not carry').toBeGreaterThanOrEqual(
          this.routed ? canaryReplicas(this.replicas, effect.share.weight) : 1,
        );
      }
      this.written.push({ weight: effect.share.weight, at: this.now.getTime() });
    }
    if (effect.kind === 'deleteCanary' && this.routed)
      expect(this.sentWeight, 'pods deleted that a proxy still sends to').toBe(0);
    super.perform(effect);
  }

  private expectEnough(pods: number): void {
    const enough = canaryReplicas(this.replicas, this.weight ?? 0);
    expect(pods, 'fewer pods than the weight needs').toBeGreaterThanOrEqual(enough);
    const learntOnly = Math.min(this.canaryPods, canaryReplicas(this.replicas, this.sentWeight));
    expect(pods, 'pods go that a proxy still sends to').toBeGreaterThanOrEqual(learntOnly);
  }

  private get ready(): number {
    return this.canaryDeployment?.status?.readyReplicas ?? 0;
  }

  override tick(ms = 1_000): void {
    super.tick(ms);
    if (this.canaryDeployment === undefined) return;
    const room = Math.max(0, this.quota - this.replicas);
    const ready = Math.max(0, Math.min(this.canaryPods, room) - this.unready);
    this.canaryDeployment = withReady(this.canaryDeployment, ready, this.canaryPods > room);
  }

  protected override rollOut(): void {
    const { conditions = [], ...status } = this.deployment.status ?? {};
    const others = conditions.filter(({ type }) => type !== REFUSED.type);
    // One pod more than wanted: the surge.
    const refused = this.replicas + this.canaryPods >= this.quota;
    this.deployment = {
      ...this.deployment,
      status: {
        ...status,
        ...(refused ? { updatedReplicas: 0 } : {}),
        conditions: refused ? [...others, REFUSED] : others,
      },
    };
    if (!refused) super.rollOut();
  }
}

const withReady = (canary: Deployment, ready: number, refused: boolean): Deployment => ({
  ...canary,
  status: {
    ...canary.status,
    readyReplicas: ready,
    updatedReplicas: ready,
    conditions: refused ? [REFUSED] : [],
  },
});
