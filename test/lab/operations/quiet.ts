import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { failedCondition, isOwnCondition } from '../../../src/core/conditions.ts';
import { isHeld } from '../../../src/core/deployment-change.ts';
import { HELD_BY_MARK, RUN_MARK, WEIGHT_MARK } from '../../../src/core/marks.ts';
import {
  annotationsOf,
  type Deployment,
  type KubeObject,
  type Pod,
  type ReplicaSet,
} from '../../../src/core/objects.ts';
import type { Canary } from '../../../src/core/snapshot.ts';
import { eventually } from '../shop.ts';
import { identityOf, isOfCanary } from './release-judge.ts';
import type { User } from './user.ts';

// What holds of a Deployment that everybody leaves alone for a while. A state that never gets there is a finding too.

/** Everything of one namespace at one moment. */
interface Scene {
  deployment: Deployment;
  canary: Canary | undefined;
  others: Deployment[];
  sets: ReplicaSet[];
  pods: Pod[];
  revisions: KubeObject[];
}

const look = async ({ shop }: User): Promise<Scene> => {
  const [deployments, canaries, sets, pods, revisions] = await Promise.all([
    shop.list<Deployment>('deployments'),
    shop.list<Canary>('canaries'),
    shop.list<ReplicaSet>('replicasets'),
    shop.list<Pod>('pods'),
    shop.list('controllerrevisions'),
  ]);
  const deployment = deployments.find(({ metadata }) => metadata.name === 'web');
  if (deployment === undefined) throw new Error('web is gone');
  const others = deployments.filter((other) => other !== deployment);
  return { deployment, canary: canaries[0], others, sets, pods, revisions };
};

const isFree = ({ deployment }: Scene): boolean =>
  deployment.metadata.labels?.['kanari.dev/rollouts'] === 'disabled';

/** A version of which no pod becomes ready: its rolling update never ends, gated or not. */
const isBad = (template: string): boolean => template.includes('neverready');

const replicasOf = ({ spec }: { spec: { replicas?: number } }): number => spec.replicas ?? 1;

const pausedForAReason = (scene: Scene): string[] => {
  const { deployment, canary } = scene;
  const { phase, run, reason } = canary?.status ?? {};
  if (run !== undefined && run.endedAt === undefined) {
    return reason === 'PromotionStalled' ? [] : [`a run is under way: ${phase}, ${reason}`];
  }
  if (canary === undefined) return isHeld(deployment) || !isFree(scene) ? ['there is no Canary'] : [];
  const waits = replicasOf(deployment) === 0 && reason === 'ScaledToZero';
  const explained = phase === 'Failed' || waits;
  if (isHeld(deployment) === explained) return [];
  return [`${isHeld(deployment) ? 'held' : 'not held'}, and the Canary says ${phase}, ${reason}`];
};

const nothingLeft = (scene: Scene): string[] => {
  const { deployment, canary, others, sets, pods, revisions } = scene;
  if (canary?.status?.reason === 'PromotionStalled') return [];
  const annotations = annotationsOf(deployment);
  const marks = [RUN_MARK, HELD_BY_MARK].filter((mark) => mark in annotations);
  const failed = failedCondition(deployment);
  const stale = failed !== undefined && isOwnCondition(failed) && !isHeld(deployment);
  const owned = [...(canary === undefined ? [] : [canary]), ...revisions];
  const uid = deployment.metadata.uid;
  const orphans = owned.filter(({ metadata }) => metadata.ownerReferences?.[0]?.uid !== uid);
  return [
    ...others.map(({ metadata }) => `the Deployment ${metadata.name} is left`),
    ...[...sets, ...pods].filter(isOfCanary).map(({ metadata }) => `${metadata.name} of a canary is left`),
    ...orphans.map(({ metadata }) => `${metadata.name} belongs to nobody`),
    ...(marks.length > 0 && !isHeld(deployment) ? [`the marks ${marks.join(', ')} are left`] : []),
    ...((annotations[WEIGHT_MARK] ?? '0') === '0' ? [] : ['a weight is left']),
    ...(stale ? [`a failed condition of Kanari's is left: ${failed.message}`] : []),
  ];
};

const primaryWhole = (user: User, scene: Scene): string[] => {
  const { deployment, sets, pods } = scene;
  const stored = identityOf(deployment.spec.template);
  const serving = user.judge.serving ?? '';
  const mine = sets.filter(({ metadata }) => metadata.ownerReferences?.[0]?.uid === deployment.metadata.uid);
  const paused = deployment.spec.paused === true;
  // A person may pause in the middle of a rolling update.
  if (isBad(serving) || (!paused && isBad(stored)) || (paused && !isHeld(deployment))) return [];
  const others = mine.filter((set) => replicasOf(set) > 0 && identityOf(set.spec.template) !== serving);
  const size = mine
    .filter((set) => identityOf(set.spec.template) === serving)
    .reduce((sum, set) => sum + replicasOf(set), 0);
  return [
    ...(paused || stored === serving || replicasOf(deployment) === 0
      ? []
      : [`${serving} serves, though ${stored} was let out`]),
    ...(size === replicasOf(deployment) ? [] : [`${serving} has ${size} of ${replicasOf(deployment)} pods`]),
    ...others.map(({ metadata, spec }) => `${metadata.name} has ${spec.replicas} pods besides ${serving}`),
    ...(pods.length === replicasOf(deployment) ? [] : [`${pods.length} pods are there`]),
  ];
};

/** Pods vanish only by their ReplicaSet's count, or by the user's own hand. */
const podsKept = ({ vanished, removed, judge }: User, { sets }: Scene): string[] =>
  sets.flatMap(({ metadata }) => {
    const uid = metadata.uid ?? '';
    const lost = [...vanished].filter(([pod, set]) => set === uid && !removed.has(pod)).length;
    const givenUp = judge.givenUp.get(uid) ?? 0;
    return lost > givenUp
      ? [`${metadata.name} lost ${lost - givenUp} pods that nobody asked it to give up`]
      : [];
  });

const complaints = (user: User, scene: Scene): string[] => {
  const { status, metadata } = scene.deployment;
  return [
    ...((status?.observedGeneration ?? 0) < (metadata.generation ?? 0) ? ['web is not observed yet'] : []),
    ...pausedForAReason(scene),
    ...nothingLeft(scene),
    ...primaryWhole(user, scene),
    ...podsKept(user, scene),
  ];
};

/** Changes whenever anything of the scene does. */
const signature = ({ deployment, canary, sets, pods }: Scene): string => {
  const objects: KubeObject[] = [deployment, ...(canary === undefined ? [] : [canary]), ...sets, ...pods];
  return objects.map(({ metadata }) => metadata.resourceVersion).join();
};

// Longer than anything waits that is still to come: a retry, a look, a restart of Kanari.
const QUIET_MS = 2_000;
const DEADLINE_MS = 180_000;
const POLL_MS = 250;

/** Throws what is wrong once it has been so for longer than anything may take. */
const becomesQuiet = async (user: User): Promise<Scene> => {
  const deadline = Date.now() + DEADLINE_MS;
  let seen = '';
  let since = Date.now();
  for (;;) {
    const scene = await look(user);
    const found = [...user.found(), ...complaints(user, scene)];
    const now = signature(scene);
    if (found.length > 0 || now !== seen) since = Date.now();
    seen = now;
    if (Date.now() - since >= QUIET_MS) return scene;
    if (Date.now() > deadline || user.found().length > 0) throw new Error(found.join('\n'));
    await sleep(POLL_MS);
  }
};

const learn = ({ judge }: User, { deployment }: Scene): void => {
  const paused = deployment.spec.paused === true;
  // What was let out under a person's pause waits for them.
  if (paused && !isHeld(deployment)) return;
  const stored = identityOf(deployment.spec.template);
  // At zero replicas no pod shows what was let out.
  if (!paused && !judge.mayRun(stored, Date.now()))
    throw new Error(`${stored} was let out ungated and untold`);
  if (!paused) judge.serving = stored;
  judge.settled();
};

/** Waits until nothing moves any more, and checks all that must hold then. */
export const settles = async (user: User): Promise<void> => {
  learn(user, await becomesQuiet(user));
  await eventually(async () => expect(await user.told()).toEqual(user.warnings()));
  user.note('all is quiet');
};
