import { expect } from 'vitest';
import type { Effect } from '../../../src/core/effects.ts';
import type { Share } from '../../../src/core/share.ts';
import type { Outstanding, Snapshot } from '../../../src/core/snapshot.ts';
import { SimulatedCluster } from './simulated-cluster.ts';

/**
 * The cluster with a Gateway in front that takes its time to work by what is written, and says so. It checks that nothing
 * is done that the Gateway, by what it still works by, would answer with failed requests.
 */
export class SlowGateway extends SimulatedCluster {
  /** Seconds until a form that is written is worked by. */
  lag = 0;
  /** What it says of every form, having seen it. */
  refusal: string | undefined;
  /** Endpoints behind the Service without the primary's label. */
  unlabelled = 0;
  private inEffect: Share | undefined;
  private late = 0;

  private get outstanding(): Outstanding | undefined {
    if (this.late > 0) return { message: 'Gateway edge has not taken it over', seen: false };
    return this.refusal === undefined ? undefined : { message: this.refusal, seen: true };
  }

  override snapshot(): Snapshot {
    const snapshot = super.snapshot();
    const { traffic, endpoints } = snapshot;
    const { outstanding } = this;
    return {
      ...snapshot,
      traffic: {
        ...traffic,
        provider: 'gateway-api',
        split: traffic.split && outstanding === undefined,
        canaryServices: { web: 'web-canary' },
        ...(outstanding === undefined ? {} : { outstanding }),
      },
      endpoints: { ...endpoints, primaryUnlabelled: endpoints.primaryUnlabelled + this.unlabelled },
    };
  }

  override perform(effect: Effect): void {
    const before = JSON.stringify(this.share);
    if (effect.kind === 'ensureDestinations')
      expect(this.unlabelled, 'narrowed away from pods without the label').toBe(0);
    if (effect.kind === 'applyCanary')
      expect(this.inEffect, 'a canary pod before the split is in effect').toBeDefined();
    if (effect.kind === 'deleteCanary' && this.canaryDeployment?.status?.readyReplicas !== undefined)
      expect(this.inEffect?.weight ?? 0, 'the Gateway still sends requests to a canary that goes').toBe(0);
    if (effect.kind === 'removeDestinations')
      expect(this.inEffect, 'the Gateway still works by a destination that goes').toBeUndefined();
    super.perform(effect);
    if (JSON.stringify(this.share) !== before) this.late = this.lag;
    if (this.late === 0) this.inEffect = this.share;
  }

  override tick(ms?: number): void {
    super.tick(ms);
    this.late = Math.max(0, this.late - 1);
    if (this.late === 0) this.inEffect = this.share;
  }
}
