import { expect } from 'vitest';
import { UNGATED_REASONS, type UngatedReason } from '../../../src/core/conditions.ts';
import { isHeld } from '../../../src/core/deployment-change.ts';
import {
  controllerOf,
  type Deployment,
  labelsOf,
  type Pod,
  type ReplicaSet,
} from '../../../src/core/objects.ts';
import { eventually, hearsOfOrphans, type Shop, web, webService } from '../shop.ts';
import { type Count, countEvents, countOf, type OperationsWorld, REASONS } from './operations-world.ts';
import { identityOf, isOfCanary, ReleaseJudge } from './release-judge.ts';

// Somebody with kubectl and one Deployment, who reads every answer, and watches what their ReplicaSets and pods do.

export interface Answer {
  /** The Deployment as stored; undefined when kubectl showed none. */
  stored: Deployment | undefined;
  /** Why nothing was done; undefined when it was. */
  refusal: string | undefined;
}

/** Refusals that are right in some state of the Deployment; any other is a finding. */
const EXPECTED_REFUSALS = [
  // With the numbers of its pods, once there are any.
  /is in the middle of a rolling update\b.* retry in a moment/,
  /is already paused/,
  /is not paused/,
  /can't restart paused deployment/,
  /cannot rollback a paused deployment/,
  /no rollout history found|no last revision to roll back to/,
  /canaries.kanari.dev "web" not found/,
];
const CONFLICT = /the object has been modified/;
const AWAY = /failed calling webhook "deployments.kanari.dev"/;

const ANNOUNCED = /Warning: kanari: web is released without a canary: (.*)/g;

/** The failsafe's own words; the reason is the one that Kanari gives when it is back. */
const ANNOUNCED_ALONE = /Warning: .*kanari does not answer: web is released without a canary/;

const announcedIn = (stderr: string): UngatedReason[] => [
  ...(ANNOUNCED_ALONE.test(stderr) ? (['NotAdmitted'] as const) : []),
  ...[...stderr.matchAll(ANNOUNCED)].flatMap(([, words = '']) =>
    REASONS.filter((reason) => words.startsWith(UNGATED_REASONS[reason])),
  ),
];

export const WEB = 'deployment/web';

/** By the API server's clock, in whole seconds: this process may be late to hear of it. */
const writtenAt = ({ metadata }: ReplicaSet): number =>
  Math.max(
    Date.parse(metadata.creationTimestamp ?? ''),
    ...(metadata.managedFields ?? []).map((entry) => Date.parse((entry as { time: string }).time)),
  );

export class User {
  readonly judge = new ReleaseJudge();
  /** What was done and what came of it, for whoever has to understand a finding. */
  readonly diary: string[] = [];
  /** Pods that the user deleted, by UID. */
  readonly removed = new Set<string>();
  /** Pods that are gone, by UID, with their ReplicaSet's. */
  readonly vanished = new Map<string, string>();
  replicas = 2;

  readonly shop: Shop;
  readonly world: OperationsWorld;
  private readonly findings: string[] = [];
  // By the generation of the Deployment that was to be changed: of what was tried at one, at most one is stored.
  private readonly warned = new Set<string>();
  private readonly watching = new AbortController();
  private serial = 0;

  constructor(world: OperationsWorld, shop: Shop) {
    this.world = world;
    this.shop = shop;
  }

  /** Watches from now on. */
  async begin(): Promise<void> {
    const { signal } = this.watching;
    const at = (path: string): string => path.replace('*', this.shop.namespace);
    const sets = this.world.lab.api.mirror<ReplicaSet>(at('/apis/apps/v1/namespaces/*/replicasets'), signal);
    const pods = this.world.lab.api.mirror<Pod>(at('/api/v1/namespaces/*/pods'), signal);
    await Promise.all([sets.ready, pods.ready]);
    sets.onChange((set, type) => {
      const gone = type === 'DELETED';
      this.judge.saw({ set, gone, at: gone ? Date.now() : writtenAt(set) });
      this.note(
        `  ${set.metadata.name} (${identityOf(set.spec.template)}) ${type} with ${set.spec.replicas} pods`,
      );
    });
    pods.onChange((pod, type) => {
      if (type !== 'DELETED' || isOfCanary(pod)) return;
      this.vanished.set(pod.metadata.uid ?? '', controllerOf(pod)?.uid ?? '');
    });
    this.judge.scaled(this.replicas);
    await this.shop.apply(webService);
    await this.create('v1');
    await this.shop.settles();
    if (!this.shop.optedIn) await this.optsIn();
  }

  /** With pods that have nothing of Kanari's yet. The API server takes a moment to ask about them. */
  private async optsIn(): Promise<void> {
    const { namespace } = this.shop;
    await this.world.lab.kubectl(['label', 'namespace', namespace, 'kanari.dev/rollouts=enabled']);
    await eventually(async () => {
      const tried = ['set', 'image', WEB, 'web=web:v0', '--dry-run=server'];
      const { stderr } = await this.shop.tryKubectl(tried);
      expect(stderr).toContain('canary of web started');
    });
  }

  end(): void {
    this.watching.abort();
  }

  note(text: string): void {
    const last = this.diary.at(-1)?.replace(/^\S+ /, '');
    if (last !== text) this.diary.push(`${new Date().toISOString().slice(14, 23)} ${text}`);
  }

  /** A value that was never used before. */
  fresh(word: string): string {
    this.serial += 1;
    return `${word}-${this.serial}`;
  }

  manifest(tag: string): Deployment {
    // The Deployment controller soon takes note of a version that never becomes ready.
    return web(tag, { replicas: this.replicas, spec: { progressDeadlineSeconds: 10 } });
  }

  /** One call of kubectl while Kanari is there, judged by its answer. */
  async does(args: readonly string[], manifest?: Deployment): Promise<Answer> {
    return this.world.hours.during(() => this.doesNow(args, manifest));
  }

  /** The same, whether Kanari is there or not. */
  async doesNow(args: readonly string[], manifest?: Deployment): Promise<Answer> {
    this.read();
    const before = await this.stored();
    const { stderr, code } = await this.shop.tryKubectl(args, manifest);
    this.note(`${args.join(' ')}: ${code === 0 ? 'done' : 'refused'} ${stderr.trim()}`);
    const announced = announcedIn(stderr);
    const { uid = '', generation = 0 } = before?.metadata ?? {};
    for (const reason of announced) this.warned.add(`${uid} ${generation} ${reason}`);
    // A controller was faster: clients try again.
    if (code !== 0 && CONFLICT.test(stderr)) return this.doesNow(args, manifest);
    if (code !== 0) return { stored: undefined, refusal: this.refusal(stderr) };
    const stored = await this.stored();
    if (stored !== undefined) this.learn(stored, announced.length > 0);
    return { stored, refusal: undefined };
  }

  /** The first creation, or one after a deletion. */
  async create(tag: string): Promise<void> {
    await this.world.hours.during(async () => {
      const [orphan] = await this.servingOrphans();
      this.judge.begins(orphan === undefined ? tag : identityOf(orphan.spec.template));
      if (orphan !== undefined) await hearsOfOrphans(this.shop);
      const { stored } = await this.doesNow(['create', '-f', '-'], this.manifest(tag));
      if (stored === undefined) throw new Error('web could not be created');
    });
  }

  /** `cascade` as kubectl has it; returns when the Deployment is gone. */
  async deletes(cascade: string): Promise<void> {
    this.judge.ends();
    await this.world.hours.during(async () => {
      await this.shop.kubectl(['delete', WEB, `--cascade=${cascade}`]);
      const orphans = await this.servingOrphans();
      // Of two versions, orphaned in the middle of a rolling update, none is the primary: its user clears them away.
      if (orphans.length < 2) return;
      await this.shop.kubectl(['delete', 'replicaset', ...orphans.map(({ metadata }) => metadata.name)]);
    });
  }

  /** Deletes all pods of one side. */
  async removesPods(side: string): Promise<void> {
    const pods = (await this.shop.list<Pod>('pods')).filter((pod) => isOfCanary(pod) === (side === 'canary'));
    for (const { metadata } of pods) this.removed.add(metadata.uid ?? '');
    const names = pods.map(({ metadata }) => metadata.name);
    if (names.length > 0) {
      await this.shop.tryKubectl(['delete', 'pod', ...names, '--ignore-not-found', '--wait=false']);
    }
  }

  /** Everything found so far that must not have happened. */
  found(): readonly string[] {
    this.read();
    return this.findings;
  }

  private read(): void {
    this.findings.push(...this.judge.findings());
  }

  private learn(stored: Deployment, announced: boolean): void {
    this.judge.uid = stored.metadata.uid;
    const template = identityOf(stored.spec.template);
    const paused = stored.spec.paused === true;
    this.judge.free = labelsOf(stored)['kanari.dev/rollouts'] === 'disabled';
    if (announced || (this.judge.free && !paused)) this.judge.license(template);
    else if (isHeld(stored)) this.judge.held(template);
  }

  private refusal(stderr: string): string {
    if (!AWAY.test(stderr) && !EXPECTED_REFUSALS.some((pattern) => pattern.test(stderr))) {
      this.findings.push(`refused without need: ${stderr.trim()}`);
    }
    return stderr;
  }

  private async servingOrphans(): Promise<ReplicaSet[]> {
    const sets = await this.shop.list<ReplicaSet>('replicasets');
    const orphans = sets.filter((set) => controllerOf(set) === undefined && !isOfCanary(set));
    return orphans.filter(({ spec }) => (spec.replicas ?? 0) > 0);
  }

  /** Ungated releases that the user was warned of, by reason. */
  warnings(): Count {
    const reasons = [...this.warned].map((warned) => warned.split(' ').at(-1));
    return countOf((reason) => reasons.filter((warned) => warned === reason).length);
  }

  /**
   * The same as told in Events. Of what went out while Kanari was away, it finds what still runs: the warnings can be
   * more.
   */
  async told(): Promise<Count> {
    const { NotAdmitted: found = 0, ...told } = countEvents(await this.shop.events());
    const { NotAdmitted: warned = 0 } = this.warnings();
    if (found > warned)
      throw new Error(`${found} releases are told as not admitted, ${warned} were warned of`);
    return warned === 0 ? told : { ...told, NotAdmitted: warned };
  }

  private async stored(): Promise<Deployment | undefined> {
    const deployments = await this.shop.list<Deployment>('deployments');
    return deployments.find(({ metadata }) => metadata.name === 'web');
  }
}
