import { expect } from 'vitest';
import type { OperatorAlerts } from '../../../src/core/alert.ts';
import type { CallAnswer, OutboundCall } from '../../../src/core/calls.ts';
import type { UngatedReason } from '../../../src/core/conditions.ts';
import type { PodCounters } from '../../../src/core/counts.ts';
import type { CustomReading } from '../../../src/core/custom-metric.ts';
import type { Effect } from '../../../src/core/effects.ts';
import { inject, injectionFor } from '../../../src/core/injection.ts';
import {
  CANARY,
  HELD_BY_MARK,
  PRIMARY,
  PRIMARY_MARK,
  REVISION_ANNOTATION,
  RUN_MARK,
  VERSION_LABEL,
  WEIGHT_MARK,
} from '../../../src/core/marks.ts';
import type {
  Deployment,
  DisruptionBudget,
  Namespace,
  Pod,
  PodTemplate,
  ReplicaSet,
  StringMap,
} from '../../../src/core/objects.ts';
import { plan } from '../../../src/core/plan/plan.ts';
import type { Settings } from '../../../src/core/release-settings.ts';
import { shareByCount } from '../../../src/core/replicas.ts';
import { revisionOf } from '../../../src/core/revision.ts';
import type { TrafficLimit } from '../../../src/core/run.ts';
import { parseSettings } from '../../../src/core/settings.ts';
import { type Share, sendsRequests } from '../../../src/core/share.ts';
import type {
  Canary,
  EvidenceReading,
  KeptTemplate,
  Snapshot,
  TrafficState,
} from '../../../src/core/snapshot.ts';

// A cluster in memory that does what the API server, its controllers, proxies and clients do to one Deployment.
// It checks after every write what must never be: that is the point of it.

const NAMESPACE: Namespace = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'shop', labels: { 'kanari.dev/rollouts': 'enabled', 'istio-injection': 'enabled' } },
};

const ANNOTATIONS = { 'kanari.dev/steps': '20,50', 'kanari.dev/interval': '5s', 'kanari.dev/threshold': '2' };

export const templateOf = (tag: string): PodTemplate => ({
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'web', image: `web:${tag}` }] },
});

const PROPAGATION_MS = 2_000;
export const REWRITTEN = 'VirtualService web, last written by jane';
/** Of the requests, so many fit what an A/B test asks for. */
const MATCHING_PERCENT = 30;

export class SimulatedCluster {
  now = new Date('2026-11-21T02:38:00Z');
  settings: Settings = parseSettings({ deployment: ANNOTATIONS, namespace: {} }).settings;
  injection = injectionFor(this.settings, NAMESPACE);
  deployment: Deployment;
  replicaSets: ReplicaSet[] = [];
  canaryDeployment: Deployment | undefined;
  /** The revision of the canary that has ready endpoints, and since when it is this one. */
  private canaryServing: string | undefined;
  private canarySince: Date | undefined;
  canary: Canary | undefined;
  /** False: the share follows from the number of pods. */
  routed = true;
  /** Of the traffic: what does not follow the share. */
  limits: TrafficLimit[] = [];
  /** Ready pods of another workload behind the Service. */
  strangers = 0;
  /** Names of the Services. */
  services = ['web'];
  destinations = false;
  /** In the routes; undefined: they are not split. */
  share: Share | undefined;
  /** Somebody undoes each split: before anybody looks, or a second later; or what destinations there are. */
  undoing: 'nothing' | 'at once' | 'later' | 'destinations' = 'nothing';
  /** Shares written so far. */
  shares: Share[] = [];
  kept: KeptTemplate[] = [];
  disruptionBudgets: DisruptionBudget[] = [];
  /** Of each ReplicaSet's pods, so many have lost their readiness, and so many start for the first time. */
  ailing = 0;
  starting = 0;
  /** Reasons of releases that no canary has tried. */
  ungated: UngatedReason[] = [];
  /** Share of 5xx by image tag. */
  errorRate: Record<string, number> = {};
  /** Image tags whose pods never become ready. */
  neverReady = new Set<string>();
  metrics: 'up' | 'down' | 'empty' | 'unconfigured' = 'up';
  requestsPerSecond = 100;
  counters = new Map<string, PodCounters>();
  events: string[] = [];
  /** Calls to others, in order; `receiver` answers them, and undefined leaves them under way. */
  calls: OutboundCall[] = [];
  answers: CallAnswer[] = [];
  private made = new Set<string>();
  receiver: (call: OutboundCall) => Pick<CallAnswer, 'ok' | 'message' | 'final'> | undefined = () =>
    undefined;
  operatorAlerts: OperatorAlerts | undefined;
  customReadings: CustomReading[] = [];
  /** Of the canary, as the kubelet reports them; none unless a test has some. */
  reportedPods: Pod[] = [];
  writes = 0;
  adopted: boolean;
  optedIn = true;
  restarts = 0;
  /** A person's, on the Canary; gone once it is read. */
  command: string | undefined;

  constructor(options: { adopted: boolean } = { adopted: true }) {
    this.adopted = options.adopted;
    const bare = templateOf('v1');
    const template = options.adopted ? inject(bare, this.injection) : bare;
    this.deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'shop', uid: 'd1', generation: 1, annotations: { ...ANNOTATIONS } },
      spec: { replicas: 4, paused: false, selector: { matchLabels: { app: 'web' } }, template },
      status: {
        observedGeneration: 1,
        replicas: 4,
        updatedReplicas: 4,
        readyReplicas: 4,
        availableReplicas: 4,
      },
    };
    this.replicaSets = [this.replicaSetOf(template, 4)];
  }

  private replicaSetOf(template: PodTemplate, replicas: number): ReplicaSet {
    const uid = `rs-${revisionOf(template, this.injection)}`;
    return {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name: uid, namespace: 'shop', uid },
      spec: { replicas, selector: { matchLabels: { app: 'web' } }, template },
      status: { replicas, readyReplicas: replicas },
    };
  }

  /** What admission does with a changed template. */
  hold(tag: string): void {
    const template = inject(templateOf(tag), this.injection);
    const primary =
      this.deployment.metadata.annotations?.[PRIMARY_MARK] ??
      revisionOf(this.deployment.spec.template, this.injection);
    const marks = {
      [RUN_MARK]: revisionOf(template, this.injection),
      [PRIMARY_MARK]: primary,
      [WEIGHT_MARK]: '0',
      [HELD_BY_MARK]: 'webhook',
    };
    this.change({ ...this.deployment.metadata.annotations, ...marks }, template);
  }

  /** What the failsafe does with a changed template while no webhook answers: revisions are beyond it. */
  holdAlone(tag: string): void {
    const { [PRIMARY_MARK]: primary } = this.deployment.metadata.annotations ?? {};
    const known = this.deployment.spec.paused === true && primary !== undefined;
    this.releaseAlone(tag);
    const marks = { [HELD_BY_MARK]: 'failsafe', ...(known ? { [PRIMARY_MARK]: primary } : {}) };
    this.change({ ...this.deployment.metadata.annotations, ...marks }, this.deployment.spec.template);
  }

  /** What the failsafe does with a template that can't wait, while no webhook answers. */
  releaseAlone(tag: string): void {
    const annotations = { ...this.deployment.metadata.annotations };
    for (const mark of [RUN_MARK, PRIMARY_MARK, HELD_BY_MARK]) delete annotations[mark];
    const { metadata, ...template } = templateOf(tag);
    const labels = { ...metadata?.labels, [VERSION_LABEL]: PRIMARY };
    this.change(annotations, { metadata: { labels }, ...template });
    this.deployment.spec.paused = false;
  }

  /** What the failsafe does with a resume while no webhook answers. */
  resumeAlone(): void {
    const { annotations, spec } = { ...this.deployment.metadata, ...this.deployment };
    if (spec.paused === true) this.change({ ...annotations, [HELD_BY_MARK]: 'failsafe' }, spec.template);
  }

  private change(annotations: StringMap, template: PodTemplate): void {
    const { metadata, spec } = this.deployment;
    const generation = (metadata.generation ?? 0) + 1;
    this.deployment = {
      ...this.deployment,
      metadata: { ...metadata, generation, annotations },
      spec: { ...spec, template, paused: true },
    };
  }

  /** A template that the API server stores while no admission of Kanari's is there; a client's PUT drops the marks. */
  slip(tag: string, how: 'patch' | 'put' = 'patch'): void {
    const { annotations, generation = 0 } = this.deployment.metadata;
    this.deployment = {
      ...this.deployment,
      metadata: {
        ...this.deployment.metadata,
        generation: generation + 1,
        annotations: how === 'put' ? { ...ANNOTATIONS } : { ...annotations },
      },
      spec: { ...this.deployment.spec, template: templateOf(tag), paused: false },
    };
  }

  /** What admission does when it lets a template out of no hold. */
  letThrough(tag: string): void {
    this.slip(tag);
    const template = inject(templateOf(tag), this.injection);
    this.deployment.spec.template = template;
    this.deployment.metadata.annotations = {
      ...this.deployment.metadata.annotations,
      [PRIMARY_MARK]: revisionOf(template, this.injection),
    };
  }

  /** What admission does with a new value of `kanari.dev/skip`: the template goes out as it is. */
  skip(): void {
    this.unpause(revisionOf(this.deployment.spec.template, this.injection));
  }

  private podsOf(set: ReplicaSet, side: string, labelled: boolean): Pod[] {
    return Array.from({ length: set.spec.replicas ?? 0 }, (_, index) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: `${set.metadata.name}-${index}`,
        namespace: 'shop',
        labels: labelled ? { app: 'web', [VERSION_LABEL]: side } : { app: 'web' },
        ownerReferences: [
          { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: set.metadata.name, uid: set.metadata.uid ?? '' },
        ],
      },
      status: this.podStatus(index),
    }));
  }

  private podStatus(index: number): NonNullable<Pod['status']> {
    const [startTime, later] = ['2026-11-21T02:00:00Z', '2026-11-21T02:01:00Z'];
    const starts = index >= this.ailing && index < this.ailing + this.starting;
    const ready = index >= this.ailing + this.starting;
    const lastTransitionTime = starts ? startTime : later;
    const status = ready ? 'True' : 'False';
    return { phase: 'Running', startTime, conditions: [{ type: 'Ready', status, lastTransitionTime }] };
  }

  private get canaryReady(): number {
    const tag = this.canaryDeployment?.spec.template.spec.containers?.[0]?.image?.split(':')[1] ?? '';
    return this.neverReady.has(tag) ? 0 : (this.canaryDeployment?.status?.readyReplicas ?? 0);
  }

  snapshot(): Snapshot {
    this.noteEndpoints();
    const readyPrimary = this.replicaSets.reduce((sum, set) => sum + (set.spec.replicas ?? 0), 0);
    const current =
      this.canaryDeployment?.metadata.annotations?.[REVISION_ANNOTATION] ===
      this.canary?.status?.run?.revision;
    return {
      key: 'shop/web',
      deployment: this.deployment,
      optedIn: this.optedIn,
      settings: this.settings,
      injection: this.injection,
      canary: this.canary,
      replicaSets: this.replicaSets,
      primaryPods: this.replicaSets.flatMap((set) => this.podsOf(set, PRIMARY, this.adopted)),
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
      evidence: this.reading(),
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

  private expectCanaryKnown(): void {
    expect(this.canaryReady, 'weight on a canary without ready endpoints').toBeGreaterThan(0);
    if (!this.routed) return;
    const known = this.now.getTime() - (this.canarySince?.getTime() ?? Number.NaN);
    expect(known, 'weight on endpoints that proxies may not know').toBeGreaterThanOrEqual(PROPAGATION_MS);
  }

  get weight(): number | undefined {
    return this.share?.weight;
  }

  private get sends(): boolean {
    return this.share !== undefined && sendsRequests(this.share);
  }

  private get traffic(): TrafficState {
    const { services } = this;
    if (!this.routed) {
      const fulfilled = { destinations: true, split: true, routesRestored: true, destinationsRemoved: true };
      return {
        provider: services.length === 0 ? 'none' : 'replicas',
        services,
        share: this.share,
        ...fulfilled,
      };
    }
    return {
      provider: 'istio',
      services,
      destinations: this.destinations,
      split: this.share !== undefined,
      share: this.share,
      rewritten: this.share === undefined || !this.destinations ? REWRITTEN : undefined,
      routesRestored: this.share === undefined,
      destinationsRemoved: !this.destinations,
    };
  }

  private reading(): EvidenceReading {
    if (this.metrics === 'down')
      return { kind: 'unavailable', reason: 'MetricsServerUnreachable', message: 'refused' };
    if (this.metrics === 'unconfigured') return { kind: 'unconfigured' };
    if (this.metrics === 'empty') return { kind: 'empty', reason: 'NoSamples', message: 'no samples' };
    return { kind: 'samples', at: this.now.toISOString(), pods: [...this.counters.values()] };
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

  perform(effect: Effect): void {
    this.writes += 1;
    switch (effect.kind) {
      case 'createCanary':
        this.canary ??= {
          apiVersion: 'kanari.dev/v1alpha1',
          kind: 'Canary',
          metadata: { name: 'web', namespace: 'shop' },
        };
        break;
      case 'clearFailedCondition':
        this.setConditions([]);
        break;
      case 'setFailedCondition':
        this.setConditions([
          {
            type: 'Progressing',
            status: 'False',
            reason: 'ProgressDeadlineExceeded',
            message: `kanari: ${effect.message}`,
          },
        ]);
        break;
      case 'keepPrimaryTemplate':
        this.kept.push({
          name: effect.revision,
          uid: effect.revision,
          revision: effect.revision,
          template: effect.template,
        });
        break;
      case 'dropTemplate':
        this.kept = this.kept.filter(({ uid }) => uid !== effect.uid);
        break;
      case 'deleteReplicaSet':
        this.replicaSets = this.replicaSets.filter((set) => set.metadata.uid !== effect.uid);
        break;
      case 'adopt':
        this.replicaSets = this.replicaSets.map((set) =>
          set.metadata.name === effect.replicaSet
            ? { ...set, spec: { ...set.spec, template: inject(set.spec.template, this.injection) } }
            : set,
        );
        this.deployment = {
          ...this.deployment,
          spec: {
            ...this.deployment.spec,
            template: inject(this.deployment.spec.template, this.injection),
          },
        };
        this.adopted = true;
        break;
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
      case 'applyCanary':
        expect(this.traffic.split, 'the split stands before the canary has a pod').toBe(true);
        this.applyCanary(effect.manifest);
        break;
      case 'deleteCanary':
        // Without routes its share goes with its pods.
        if (this.routed) expect(this.sends, 'canary deleted with traffic on it').toBe(false);
        else this.share = undefined;
        this.canaryDeployment = undefined;
        break;
      case 'promote':
        expect(this.deployment.metadata.annotations?.[RUN_MARK], 'promoted without its mark').toBe(
          effect.revision,
        );
        this.unpause(effect.revision);
        break;
      case 'release':
        this.unpause(effect.revision);
        break;
      case 'restorePrimary':
        this.deployment = {
          ...this.deployment,
          spec: { ...this.deployment.spec, template: effect.template },
        };
        this.unpause(effect.revision);
        break;
      case 'ungated':
        this.ungated.push(effect.reason);
        break;
      case 'call':
        this.called(effect.call);
        break;
      case 'event':
        this.events.push(effect.message);
        break;
      case 'consumeCommand':
        this.command = undefined;
        break;
      case 'setWeightMark':
        this.deployment.metadata.annotations = {
          ...this.deployment.metadata.annotations,
          [WEIGHT_MARK]: String(effect.weight),
        };
        break;
      case 'setMarks':
        this.setMarks(effect.marks);
        break;
    }
  }

  private applyCanary(manifest: Deployment): void {
    const revision = manifest.metadata.annotations?.[REVISION_ANNOTATION];
    const before = this.canaryDeployment?.metadata.annotations?.[REVISION_ANNOTATION];
    if (before !== undefined && before !== revision)
      expect(this.sends, 'superseded with traffic on it').toBe(false);
    expect(manifest.spec.template.metadata?.labels?.[VERSION_LABEL]).toBe(CANARY);
    const generation = (this.canaryDeployment?.metadata.generation ?? 0) + 1;
    this.canaryDeployment = {
      ...manifest,
      metadata: { ...manifest.metadata, uid: 'c1', generation },
      // Another size restarts no pod.
      status: before === revision ? (this.canaryDeployment?.status ?? {}) : {},
    };
  }

  private setMarks(marks: Readonly<Record<string, string | null>>): void {
    const merged = Object.entries({ ...this.deployment.metadata.annotations, ...marks });
    const annotations = Object.fromEntries(
      merged.filter((entry): entry is [string, string] => entry[1] !== null),
    );
    this.deployment = {
      ...this.deployment,
      metadata: { ...this.deployment.metadata, annotations },
    };
  }

  private setConditions(conditions: NonNullable<NonNullable<Deployment['status']>['conditions']>): void {
    this.deployment = { ...this.deployment, status: { ...this.deployment.status, conditions } };
  }

  private unpause(revision: string): void {
    if (this.deployment.spec.paused !== true) return;
    const annotations = { ...this.deployment.metadata.annotations };
    for (const mark of [RUN_MARK, WEIGHT_MARK, HELD_BY_MARK]) delete annotations[mark];
    const generation = (this.deployment.metadata.generation ?? 0) + 1;
    this.deployment = {
      ...this.deployment,
      metadata: {
        ...this.deployment.metadata,
        generation,
        annotations: { ...annotations, [PRIMARY_MARK]: revision },
      },
      spec: { ...this.deployment.spec, paused: false },
    };
  }

  /** A second passes: controllers act, clients send requests, proxies count them. */
  tick(ms = 1_000): void {
    this.now = new Date(this.now.getTime() + ms);
    if (this.canaryDeployment !== undefined) {
      const { replicas = 0 } = this.canaryDeployment.spec;
      const { generation = 1 } = this.canaryDeployment.metadata;
      this.canaryDeployment.status = {
        observedGeneration: generation,
        replicas,
        updatedReplicas: replicas,
        readyReplicas: replicas,
      };
      this.count((this.requestsPerSecond * this.percentServed * ms) / 100_000);
    }
    this.noteEndpoints();
    if (this.deployment.spec.paused !== true) this.rollOut();
    if (this.undoing === 'later') this.share = undefined;
    if (this.undoing === 'destinations') this.destinations = false;
  }

  /** Percent of the requests that come to the canary, or copies of them. */
  private get percentServed(): number {
    if (!this.routed) return shareByCount(this.deployment.spec.replicas ?? 0, this.canaryReady);
    const { weight = 0, match, mirror = 0 } = this.share ?? {};
    return match === undefined ? Math.max(weight, mirror) : MATCHING_PERCENT;
  }

  private noteEndpoints(): void {
    const revision = this.canaryDeployment?.metadata.annotations?.[REVISION_ANNOTATION];
    const serving = this.canaryReady === 0 ? undefined : revision;
    if (serving !== this.canaryServing) this.canarySince = this.now;
    this.canaryServing = serving;
  }

  private count(requests: number): void {
    if (this.canaryReady === 0) return;
    const revision = this.canaryDeployment?.metadata.annotations?.[REVISION_ANNOTATION] ?? '';
    const tag = this.canaryDeployment?.spec.template.spec.containers?.[0]?.image?.split(':')[1] ?? '';
    const pod = `web-canary-${revision}`;
    const known = this.counters.get(pod) ?? { pod, requests: 0, errors: 0, timed: 0, slow: 0 };
    const total = known.requests + requests;
    const errors = known.errors + requests * (this.errorRate[tag] ?? 0);
    this.counters.set(pod, { ...known, requests: total, errors, timed: total });
  }

  protected rollOut(): void {
    const { template, replicas = 0 } = this.deployment.spec;
    const revision = revisionOf(template, this.injection);
    const current = this.replicaSets.find(
      (set) => revisionOf(set.spec.template, this.injection) === revision,
    );
    const same = current !== undefined && JSON.stringify(current.spec.template) === JSON.stringify(template);
    if (!same) this.restarts += replicas;
    this.replicaSets = [
      ...(same ? [] : [this.replicaSetOf(template, replicas)]),
      ...this.replicaSets.map((set) => ({
        ...set,
        spec: { ...set.spec, replicas: set === current && same ? replicas : 0 },
      })),
    ];
    const { generation = 0 } = this.deployment.metadata;
    this.deployment = {
      ...this.deployment,
      status: {
        ...this.deployment.status,
        observedGeneration: generation,
        replicas,
        updatedReplicas: replicas,
        readyReplicas: replicas,
        availableReplicas: replicas,
      },
    };
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

  get phase(): string | undefined {
    return this.canary?.status?.phase;
  }
}
