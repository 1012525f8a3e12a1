import { CANARY, VERSION_LABEL } from '../../../src/core/marks.ts';
import {
  controllerOf,
  type KubeObject,
  labelsOf,
  type PodTemplate,
  type ReplicaSet,
} from '../../../src/core/objects.ts';

// What the ReplicaSets of one Deployment do, judged by what its user asked for and was told. It knows nothing of
// Kanari's own state: a run is seen by the canary's pods, an ungated release by the warning that the user got.

/** A template as these tests tell it from others: `v2`, or `v2 restarted at …`. */
export const identityOf = ({ metadata, spec }: PodTemplate): string => {
  const tag = spec.containers?.[0]?.image?.split(':')[1] ?? '';
  const restartedAt = metadata?.annotations?.['kubectl.kubernetes.io/restartedAt'];
  return restartedAt === undefined ? tag : `${tag} restarted at ${restartedAt}`;
};

export const isOfCanary = (object: KubeObject): boolean => labelsOf(object)[VERSION_LABEL] === CANARY;

/** One change of a ReplicaSet, as the API server reported it. */
export interface Sighting {
  set: ReplicaSet;
  gone: boolean;
  /** Milliseconds since 1970, when it was written. */
  at: number;
}

interface CanarySeen {
  readyFrom: number;
  until?: number;
}

// A canary is judged after an interval of 5 s, and times are in whole seconds.
const JUDGED_AFTER_MS = 4_000;
// A promotion that was decided before the canary went.
const PROMOTION_LAG_MS = 5_000;

export class ReleaseJudge {
  /** The template that serves, in the user's eyes. */
  serving: string | undefined;
  /** Of the Deployment; undefined while there is none. */
  uid: string | undefined;
  /** Opted out: its user releases what they like. */
  free = false;
  /** Pods that the user's ReplicaSets gave up by their own count, by UID of the ReplicaSet. */
  readonly givenUp = new Map<string, number>();

  private pending: Sighting[] = [];
  private readonly sizes = new Map<string, number>();
  private readonly canaries = new Map<string, CanarySeen>();
  private readonly licences = new Set<string>();
  private asked = 0;
  private lowestAsked = Number.POSITIVE_INFINITY;

  /** Judged at the next `findings`, when the answer that the user got at the same moment is known. */
  saw(sighting: Sighting): void {
    this.pending.push(sighting);
  }

  /** A Deployment is about to be created, over pods that serve already or with its own template. */
  begins(serving: string): void {
    this.serving = serving;
    this.licences.clear();
    this.canaries.clear();
  }

  /** It is deleted: what its pods do from now on is its user's wish. */
  ends(): void {
    this.uid = undefined;
  }

  /** May run: announced as ungated, or ordered by a person. */
  license(template: string): void {
    this.licences.add(template);
  }

  /** Whatever was said of it before, it is held now. */
  held(template: string): void {
    this.licences.delete(template);
  }

  scaled(replicas: number): void {
    this.asked = replicas;
    this.lowestAsked = Math.min(this.lowestAsked, replicas);
  }

  /** All is quiet, at whatever size: only what is asked from now on counts. */
  settled(): void {
    this.licences.clear();
    this.lowestAsked = this.asked;
  }

  mayRun(template: string, at: number): boolean {
    return (
      this.free || template === this.serving || this.licences.has(template) || this.wasGated(template, at)
    );
  }

  /** Judges what was seen since the last time: what must not have happened, in words. */
  findings(): string[] {
    return this.pending.splice(0).flatMap((sighting) => this.judge(sighting));
  }

  private judge(sighting: Sighting): string[] {
    const { set, gone } = sighting;
    if (isOfCanary(set)) {
      this.seeCanary(sighting);
      return [];
    }
    const uid = set.metadata.uid ?? '';
    const from = this.sizes.get(uid) ?? 0;
    const to = gone ? 0 : (set.spec.replicas ?? 0);
    this.sizes.set(uid, to);
    if (to < from) this.givenUp.set(uid, (this.givenUp.get(uid) ?? 0) + from - to);
    if (this.uid === undefined || controllerOf(set)?.uid !== this.uid) return [];
    if (to > from) return this.judgeGrowth(sighting, from);
    return to < from ? this.judgeLoss(sighting, to) : [];
  }

  private judgeGrowth({ set, at }: Sighting, from: number): string[] {
    const template = identityOf(set.spec.template);
    if (this.mayRun(template, at)) {
      this.serving = template;
      return [];
    }
    if (from > 0) return [];
    const message = `${set.metadata.name} (${template}) runs ungated and untold, while ${this.serving ?? 'nothing'} served`;
    return [message];
  }

  private judgeLoss({ set }: Sighting, to: number): string[] {
    const template = identityOf(set.spec.template);
    const replaced = this.free || [...this.licences].some((other) => other !== template);
    if (template !== this.serving || replaced || to >= this.lowestAsked) return [];
    return [`${set.metadata.name} (${template}) serves, and was reduced to ${to} of ${this.asked} pods`];
  }

  private seeCanary({ set, gone, at }: Sighting): void {
    const template = identityOf(set.spec.template);
    const seen = this.canaries.get(template);
    if (gone || (set.spec.replicas ?? 0) === 0) {
      if (seen !== undefined) seen.until ??= at;
      return;
    }
    const ready = (set.status?.readyReplicas ?? 0) > 0;
    if (ready && (seen === undefined || seen.until !== undefined))
      this.canaries.set(template, { readyFrom: at });
  }

  private wasGated(template: string, at: number): boolean {
    const seen = this.canaries.get(template);
    if (seen === undefined || at - seen.readyFrom < JUDGED_AFTER_MS) return false;
    return seen.until === undefined || at - seen.until < PROMOTION_LAG_MS;
  }
}
