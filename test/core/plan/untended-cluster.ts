import type { PodCounters } from '../../../src/core/counts.ts';
import { inject, injectionFor } from '../../../src/core/injection.ts';
import type { Deployment, DisruptionBudget, Namespace, Pod, ReplicaSet } from '../../../src/core/objects.ts';
import type { Settings } from '../../../src/core/release-settings.ts';
import { shareByCount } from '../../../src/core/replicas.ts';
import { revisionOf } from '../../../src/core/revision.ts';
import type { TrafficLimit } from '../../../src/core/run.ts';
import { parseSettings } from '../../../src/core/settings.ts';
import type { Share } from '../../../src/core/share.ts';
import type { TrafficState } from '../../../src/core/snapshot.ts';
import * as admission from './simulated-admission.ts';
import { ANNOTATIONS, templateOf } from './simulated-admission.ts';
import * as controllers from './simulated-controllers.ts';
import { revisionOfCanary } from './simulated-controllers.ts';
import * as traffic from './simulated-traffic.ts';

// One Deployment in a cluster in memory, and what the API server, its controllers, proxies, clients and users do to it:
// all of it but Kanari's scheduler.

const NAMESPACE: Namespace = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'shop', labels: { 'kanari.dev/rollouts': 'enabled', 'istio-injection': 'enabled' } },
};

export class UntendedCluster {
  now = new Date('2026-11-21T02:38:00Z');
  settings: Settings = parseSettings({ deployment: ANNOTATIONS, namespace: {} }).settings;
  injection = injectionFor(this.settings, NAMESPACE);
  deployment: Deployment;
  replicaSets: ReplicaSet[] = [];
  canaryDeployment: Deployment | undefined;
  /** The revision of the canary that has ready endpoints, and since when it is this one. */
  private canaryServing: string | undefined;
  protected canarySince: Date | undefined;
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
  disruptionBudgets: DisruptionBudget[] = [];
  /** Of each ReplicaSet's pods, so many have lost their readiness, and so many start for the first time. */
  ailing = 0;
  starting = 0;
  /** Share of 5xx by image tag. */
  errorRate: Record<string, number> = {};
  /** Image tags whose pods never become ready. */
  neverReady = new Set<string>();
  metrics: traffic.Metrics = 'up';
  requestsPerSecond = 100;
  counters = new Map<string, PodCounters>();
  /** Of the canary, as the kubelet reports them; none unless a test has some. */
  reportedPods: Pod[] = [];
  adopted: boolean;
  optedIn = true;
  restarts = 0;

  constructor(options: { adopted: boolean } = { adopted: true }) {
    this.adopted = options.adopted;
    const bare = templateOf('v1');
    const template = options.adopted ? inject(bare, this.injection) : bare;
    this.deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'shop', uid: 'd1', generation: 1, annotations: { ...ANNOTATIONS } },
      spec: { replicas: 4, paused: false, selector: { matchLabels: { app: 'web' } }, template },
      status: controllers.completeStatus(1, 4),
    };
    this.replicaSets = [controllers.replicaSetOf(template, 4, this.injection)];
  }

  /** What admission does with a changed template. */
  hold(tag: string): void {
    this.deployment = admission.heldByWebhook(this.deployment, tag, this.injection);
  }

  /** What the failsafe does with a changed template while no webhook answers. */
  holdAlone(tag: string): void {
    this.deployment = admission.heldByFailsafe(this.deployment, tag);
  }

  /** What the failsafe does with a template that can't wait, while no webhook answers. */
  releaseAlone(tag: string): void {
    this.deployment = admission.releasedByFailsafe(this.deployment, tag);
  }

  /** What the failsafe does with a resume while no webhook answers. */
  resumeAlone(): void {
    this.deployment = admission.resumedUnderFailsafe(this.deployment);
  }

  /** A template that is stored while no admission of Kanari's is there. */
  slip(tag: string, how: 'patch' | 'put' = 'patch'): void {
    this.deployment = admission.slipped(this.deployment, tag, how);
  }

  /** What admission does when it lets a template out of no hold. */
  letThrough(tag: string): void {
    this.deployment = admission.letThrough(this.deployment, tag, this.injection);
  }

  /** What admission does with a new value of `kanari.dev/skip`: the template goes out as it is. */
  skip(): void {
    this.unpause(revisionOf(this.deployment.spec.template, this.injection));
  }

  private get canaryTag(): string {
    return this.canaryDeployment?.spec.template.spec.containers?.[0]?.image?.split(':')[1] ?? '';
  }

  protected get canaryReady(): number {
    return this.neverReady.has(this.canaryTag) ? 0 : (this.canaryDeployment?.status?.readyReplicas ?? 0);
  }

  get weight(): number | undefined {
    return this.share?.weight;
  }

  protected get traffic(): TrafficState {
    return this.routed ? traffic.routedTraffic(this) : traffic.unroutedTraffic(this);
  }

  protected unpause(revision: string): void {
    this.deployment = admission.unpaused(this.deployment, revision);
  }

  /** A second passes: controllers act, clients send requests, proxies count them. */
  tick(ms = 1_000): void {
    this.now = new Date(this.now.getTime() + ms);
    if (this.canaryDeployment !== undefined) {
      this.canaryDeployment = controllers.startedCanary(this.canaryDeployment);
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
    return traffic.percentOf(this.share);
  }

  protected noteEndpoints(): void {
    const serving = this.canaryReady === 0 ? undefined : revisionOfCanary(this.canaryDeployment);
    if (serving !== this.canaryServing) this.canarySince = this.now;
    this.canaryServing = serving;
  }

  private count(requests: number): void {
    if (this.canaryReady === 0) return;
    const pod = `web-canary-${revisionOfCanary(this.canaryDeployment) ?? ''}`;
    const known = this.counters.get(pod) ?? { pod, ...traffic.NO_REQUESTS };
    const errorRate = this.errorRate[this.canaryTag] ?? 0;
    this.counters.set(pod, traffic.counted(known, { requests, errorRate }));
  }

  protected rollOut(): void {
    const rolled = controllers.rolledOut(this.deployment, this.replicaSets, this.injection);
    this.deployment = rolled.deployment;
    this.replicaSets = rolled.replicaSets;
    this.restarts += rolled.restarts;
  }
}
