import { expect } from 'vitest';
import type { OperatorAlerts } from '../../../src/core/alert.ts';
import type { CallAnswer, OutboundCall } from '../../../src/core/calls.ts';
import type { UngatedReason } from '../../../src/core/conditions.ts';
import type { CustomReading } from '../../../src/core/custom-metric.ts';
import type { Effect } from '../../../src/core/effects.ts';
import { CANARY, PRIMARY, RUN_MARK, VERSION_LABEL, WEIGHT_MARK } from '../../../src/core/marks.ts';
import type { Deployment } from '../../../src/core/objects.ts';
import { plan } from '../../../src/core/plan/plan.ts';
import { type Share, sendsRequests } from '../../../src/core/share.ts';
import type { Canary, KeptTemplate, Snapshot } from '../../../src/core/snapshot.ts';
import * as admission from './simulated-admission.ts';
import * as controllers from './simulated-controllers.ts';
import { revisionOfCanary } from './simulated-controllers.ts';
import * as traffic from './simulated-traffic.ts';
import { UntendedCluster } from './untended-cluster.ts';

// The cluster with Kanari's scheduler in it. It checks after every write what must never be: that is the point of it.

type EffectOf<K extends Effect['kind']> = Extract<Effect, { kind: K }>;

const PROPAGATION_MS = 2_000;

export class SimulatedCluster extends UntendedCluster {
  canary: Canary | undefined;
  /** A person's, on the Canary; gone once it is read. */
  command: string | undefined;
  /** Shares written so far. */
  shares: Share[] = [];
  kept: KeptTemplate[] = [];
  /** Reasons of releases that no canary has tried. */
  ungated: UngatedReason[] = [];
  events: string[] = [];
  /** Calls to others, in order; `receiver` answers them, and undefined leaves them under way. */
  calls: OutboundCall[] = [];
  answers: CallAnswer[] = [];
  private made = new Set<string>();
  receiver: (call: OutboundCall) => Pick<CallAnswer, 'ok' | 'message' | 'final'> | undefined = () =>
    undefined;
  operatorAlerts: OperatorAlerts | undefined;
  customReadings: CustomReading[] = [];
  writes = 0;

  get phase(): string | undefined {
    return this.canary?.status?.phase;
  }

  snapshot(): Snapshot {
    this.noteEndpoints();
    const readyPrimary = this.replicaSets.reduce((sum, set) => sum + (set.spec.replicas ?? 0), 0);
    const current = revisionOfCanary(this.canaryDeployment) === this.canary?.status?.run?.revision;
    const labelled = this.adopted ? PRIMARY : undefined;
    return {
      key: 'shop/web',
      deployment: this.deployment,
      optedIn: this.optedIn,
      settings: this.settings,
      injection: this.injection,
      canary: this.canary,
      replicaSets: this.replicaSets,
      primaryPods: this.replicaSets.flatMap((set) => controllers.podsOf(set, labelled, this)),
      canaryDeployment: this.canaryDeployment,
      canaryPods: this.reportedPods,
      takenNames: [],
      kept: this.kept,
      disruptionBudgets: this.disruptionBudgets,
      traffic: { ...this.traffic, ...(this.limits.length === 0 ? {} : { limits: this.limits }) },
      endpoints: {
        primary: this.adopted ? readyPrimary : 0,
        primaryUnlabelled: (this.adopted ? 0 : readyPrimary) + this.strangers,
        canary: current ? this.canaryReady : 0,
        canaryAny: this.canaryReady,
      },
      evidence: traffic.readingOf(this.metrics, this.counters.values(), this.now),
      customReadings: this.customReadings,
      callAnswers: this.answers,
      command: this.command,
      operator: {
        propagationWaitMs: PROPAGATION_MS,
        lookIntervalMs: 1_000,
        ...(this.operatorAlerts === undefined ? {} : { alerts: this.operatorAlerts }),
      },
    };
  }

  /** The process that makes them forgets them when it dies. */
  private forgetCalls(): void {
    this.made.clear();
    this.answers = [];
  }

  private called(call: OutboundCall): void {
    const name = `${call.runId} ${call.id} ${call.attempt}`;
    if (this.made.has(name) && call.unanswered !== true) return;
    this.made.add(name);
    this.calls.push(call);
    const answer = this.receiver(call);
    const { runId, id, attempt, unanswered } = call;
    if (answer === undefined || unanswered === true) return;
    this.answers.push({ runId, id, attempt, ...answer, at: this.now.toISOString() });
  }

  /**
   * One look of the scheduler. `killAfter` writes it dies: the status is the first write, each effect one more.
   * @returns whether it wants to look again at once
   */
  look(killAfter = Number.POSITIVE_INFINITY): boolean {
    const decided = plan(this.snapshot(), this.now);
    let writes = 0;
    const killed = (): boolean => {
      if (writes++ < killAfter) return false;
      this.forgetCalls();
      return true;
    };
    if (this.canary !== undefined && decided.status !== undefined) {
      if (killed()) return true;
      this.canary = { ...this.canary, status: structuredClone(decided.status) };
    }
    for (const effect of decided.effects) {
      if (killed()) return true;
      this.perform(effect);
    }
    return decided.requeueAfterMs === 0;
  }

  /** Looks and ticks until the run is over. */
  runToEnd(options: { killAfter?: () => number; seconds?: number; until?: () => boolean } = {}): void {
    for (let second = 0; second < (options.seconds ?? 300); second += 1) {
      for (let again = 0; again < 20 && this.look(options.killAfter?.()); again += 1);
      if (options.until?.() === true) return;
      this.tick();
    }
  }

  perform(effect: Effect): void {
    this.writes += 1;
    switch (effect.kind) {
      case 'ensureDestinations':
      case 'setShare':
      case 'restoreRoutes':
      case 'removeDestinations':
        return this.writeRoutes(effect);
      case 'applyCanary':
        return this.applyCanary(effect.manifest);
      case 'deleteCanary':
        return this.deleteCanary();
      case 'promote':
      case 'release':
      case 'restorePrimary':
        return this.letOut(effect);
      case 'clearFailedCondition':
      case 'setFailedCondition':
      case 'adopt':
      case 'setWeightMark':
      case 'setMarks':
        return this.writeDeployment(effect);
      case 'createCanary':
      case 'consumeCommand':
      case 'keepPrimaryTemplate':
      case 'dropTemplate':
      case 'deleteReplicaSet':
        return this.writeRecord(effect);
      case 'ungated':
        this.ungated.push(effect.reason);
        break;
      case 'call':
        return this.called(effect.call);
      case 'event':
        this.events.push(effect.message);
        break;
    }
  }

  private writeRoutes(
    effect: EffectOf<'ensureDestinations' | 'setShare' | 'restoreRoutes' | 'removeDestinations'>,
  ): void {
    switch (effect.kind) {
      case 'ensureDestinations':
        this.destinations = true;
        break;
      case 'setShare':
        expect(this.traffic.destinations, 'weights only on destinations that stand').toBe(true);
        if (sendsRequests(effect.share)) this.expectCanaryKnown();
        this.shares.push(effect.share);
        this.share = this.undoing === 'at once' ? undefined : effect.share;
        break;
      case 'restoreRoutes':
        // A route that names a destination which is gone fails whatever it gets.
        if (this.destinations) expect(this.canaryReady, 'an unsplit route would reach the canary').toBe(0);
        this.share = undefined;
        break;
      case 'removeDestinations':
        expect(this.share, 'a route names a destination that goes').toBeUndefined();
        this.destinations = false;
        break;
    }
  }

  private applyCanary(manifest: Deployment): void {
    expect(this.traffic.split, 'the split stands before the canary has a pod').toBe(true);
    const before = revisionOfCanary(this.canaryDeployment);
    if (before !== undefined && before !== revisionOfCanary(manifest))
      expect(this.sends, 'superseded with traffic on it').toBe(false);
    expect(manifest.spec.template.metadata?.labels?.[VERSION_LABEL]).toBe(CANARY);
    this.canaryDeployment = controllers.appliedCanary(this.canaryDeployment, manifest);
  }

  private deleteCanary(): void {
    // Without routes its share goes with its pods.
    if (this.routed) expect(this.sends, 'canary deleted with traffic on it').toBe(false);
    else this.share = undefined;
    this.canaryDeployment = undefined;
  }

  /** The end of a hold, as it was decided. */
  private letOut(effect: EffectOf<'promote' | 'release' | 'restorePrimary'>): void {
    const { annotations } = this.deployment.metadata;
    if (effect.kind === 'promote')
      expect(annotations?.[RUN_MARK], 'promoted without its mark').toBe(effect.revision);
    if (effect.kind === 'restorePrimary')
      this.deployment = {
        ...this.deployment,
        spec: { ...this.deployment.spec, template: effect.template },
      };
    this.unpause(effect.revision);
  }

  private writeDeployment(
    effect: EffectOf<'clearFailedCondition' | 'setFailedCondition' | 'adopt' | 'setWeightMark' | 'setMarks'>,
  ): void {
    switch (effect.kind) {
      case 'clearFailedCondition':
        this.deployment = controllers.withConditions(this.deployment, []);
        break;
      case 'setFailedCondition':
        this.deployment = controllers.withConditions(this.deployment, [
          {
            type: 'Progressing',
            status: 'False',
            reason: 'ProgressDeadlineExceeded',
            message: `kanari: ${effect.message}`,
          },
        ]);
        break;
      case 'adopt':
        this.replicaSets = this.replicaSets.map((set) =>
          set.metadata.name === effect.replicaSet
            ? controllers.withInjectedTemplate(set, this.injection)
            : set,
        );
        this.deployment = controllers.withInjectedTemplate(this.deployment, this.injection);
        this.adopted = true;
        break;
      case 'setWeightMark':
        this.deployment = admission.withMarks(this.deployment, { [WEIGHT_MARK]: String(effect.weight) });
        break;
      case 'setMarks':
        this.deployment = admission.withMarks(this.deployment, effect.marks);
        break;
    }
  }

  /** Objects beside the Deployment and its canary. */
  private writeRecord(
    effect: EffectOf<
      'createCanary' | 'consumeCommand' | 'keepPrimaryTemplate' | 'dropTemplate' | 'deleteReplicaSet'
    >,
  ): void {
    switch (effect.kind) {
      case 'createCanary':
        this.canary ??= {
          apiVersion: 'kanari.dev/v1alpha1',
          kind: 'Canary',
          metadata: { name: 'web', namespace: 'shop' },
        };
        break;
      case 'consumeCommand':
        this.command = undefined;
        break;
      case 'keepPrimaryTemplate': {
        const { revision, template } = effect;
        this.kept.push({ name: revision, uid: revision, revision, template });
        break;
      }
      case 'dropTemplate':
        this.kept = this.kept.filter(({ uid }) => uid !== effect.uid);
        break;
      case 'deleteReplicaSet':
        this.replicaSets = this.replicaSets.filter((set) => set.metadata.uid !== effect.uid);
        break;
    }
  }

  private expectCanaryKnown(): void {
    expect(this.canaryReady, 'weight on a canary without ready endpoints').toBeGreaterThan(0);
    if (!this.routed) return;
    const known = this.now.getTime() - (this.canarySince?.getTime() ?? Number.NaN);
    expect(known, 'weight on endpoints that proxies may not know').toBeGreaterThanOrEqual(PROPAGATION_MS);
  }

  private get sends(): boolean {
    return this.share !== undefined && sendsRequests(this.share);
  }
}
