import { expect } from 'vitest';
import type { Lab } from '../../../lab/lab.ts';
import type { UngatedReason } from '../../../src/core/conditions.ts';
import {
  annotationsOf,
  type Deployment,
  type KubeObject,
  type StringMap,
} from '../../../src/core/objects.ts';
import { eventually, type Shop, type WebOptions, web } from '../shop.ts';
import type { OutcomeName } from './outcomes.ts';
import { canaryHasItsShare, look, serves } from './sight.ts';
import type { Ask } from './verbs.ts';

export type Manifest = (tag: string) => Deployment;

/** One place of the table. */
export interface Scene {
  shop: Shop;
  lab: Lab;
  manifest: Manifest;
}

/** Where a Deployment is when a request comes, and what becomes of each kind of request there. */
export interface Situation {
  /** Defaults of the namespace. */
  settings?: StringMap;
  /** The namespace is labelled by `prepare`. */
  optedInLater?: true;
  /** As its user keeps it. Default: one replica and nothing special. */
  manifest?: Manifest;
  /** The same at the time of the request, where its user has edited it. */
  edited?: (manifest: Deployment) => Deployment;
  /** How it gets there from where v1 serves. */
  prepare?: (scene: Scene) => Promise<unknown>;
  /** What goes out without a canary meanwhile. */
  ungatedBefore?: UngatedReason;
  /** Done right before the request, which does not wait for its effects. */
  justBefore?: (scene: Scene) => Promise<unknown>;
  /** Tags. Default v1. */
  serving?: string;
  stored?: string;
  /** Nothing on the Deployment tells what serves. */
  primaryUnknown?: true;
  /** None of Kanari's business from the beginning. */
  optedOut?: true;
  /** Of every verb that asks for it, or of those named. */
  outcomes: Outcomes;
}

export type Outcomes = Partial<Record<Ask, OutcomeName | Record<string, OutcomeName>>>;

export const plain =
  (options: WebOptions = {}): Manifest =>
  (tag) =>
    web(tag, { replicas: 1, ...options });

export const withSkip = (manifest: Deployment): Deployment => ({
  ...manifest,
  metadata: {
    ...manifest.metadata,
    annotations: { ...annotationsOf(manifest), 'kanari.dev/skip': 'incident-1' },
  },
});

/** As copied from a Deployment that Kanari holds. */
export const withMarks = (manifest: Deployment): Deployment => ({
  ...manifest,
  metadata: {
    ...manifest.metadata,
    annotations: {
      'kanari.dev/run': '1-1111111111',
      'kanari.dev/primary': '1-2222222222',
      'kanari.dev/weight': '30',
      'kanari.dev/held-by': 'webhook',
    },
  },
});

/** Releases it natively, and leaves no skip behind. */
export const skipTo = async (
  { shop, manifest }: Pick<Scene, 'shop' | 'manifest'>,
  tag: string,
): Promise<void> => {
  await shop.apply(withSkip(manifest(tag)));
  await shop.apply(manifest(tag));
};

/** A run is under way, and its canary has its share. */
export const hold = async ({ shop, manifest }: Scene): Promise<void> => {
  await shop.apply(manifest('v2'));
  await canaryHasItsShare(shop);
};

const command = ({ shop }: Scene, verb: string) =>
  shop.kubectl(['annotate', 'canary', 'web', `kanari.dev/command=${verb}`]);

export const holdFailed = async (scene: Scene): Promise<void> => {
  await hold(scene);
  await command(scene, 'abort');
  await scene.shop.reaches('Failed');
  await eventually(async () =>
    expect((await scene.shop.deployment()).status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Progressing', status: 'False' }),
    ),
  );
};

export const promote = async (scene: Scene): Promise<void> => {
  await hold(scene);
  await command(scene, 'promote');
  await scene.shop.reaches('Succeeded');
  await serves(scene.shop);
};

/** One pod of two is of the template that comes; it never gets ready in time. */
export const midRollout = ({ shop }: Scene): Promise<void> =>
  eventually(async () => {
    const { spec, status } = await shop.deployment();
    expect(spec.paused ?? false).toBe(false);
    expect(status).toMatchObject({ updatedReplicas: 1, replicas: 2 });
  });

/** By command, before the canary is ready: what is seen is the rolling update. */
export const promoteSlowly = async (scene: Scene): Promise<void> => {
  await scene.shop.apply(scene.manifest('v2-start600'));
  await scene.shop.reaches('Progressing');
  await command(scene, 'promote');
  await midRollout(scene);
};

/** Its ReplicaSets and pods stay, of nobody. */
export const orphan = ({ shop }: Pick<Scene, 'shop'>) =>
  shop.kubectl(['delete', 'deployment/web', '--cascade=orphan']);

export const pause = ({ shop }: Scene) => shop.kubectl(['rollout', 'pause', 'deployment/web']);

/** Resolves once the API server knows of it. */
export const optIn = async ({ shop, lab }: Scene): Promise<void> => {
  await lab.kubectl(['label', 'namespace', shop.namespace, 'kanari.dev/rollouts=enabled']);
  const probe = plain()('v0');
  await eventually(async () => {
    const created = await shop.apply(
      { ...probe, metadata: { name: 'probe' } },
      '--dry-run=server',
      '-o',
      'json',
    );
    expect(created.stdout).toContain('kanari.dev/version');
  });
};

export const ownedByOperator = async ({ shop }: Scene): Promise<void> => {
  await shop.kubectl(['create', 'configmap', 'operator']);
  const { metadata } = await shop.get<KubeObject>('configmaps', 'operator');
  const owner = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    name: 'operator',
    uid: metadata.uid,
    controller: true,
  };
  const patch = JSON.stringify({ metadata: { ownerReferences: [owner] } });
  await shop.kubectl(['patch', 'deployment/web', '--type=merge', '-p', patch]);
};

/** As their probe would; the lab's kubelet does not look again. */
export const primaryGoesDown = async ({ shop, lab }: Scene): Promise<void> => {
  for (const { metadata } of (await look(shop)).pods) {
    await lab.api.request(
      'PATCH',
      `/api/v1/namespaces/${shop.namespace}/pods/${metadata.name}/status`,
      { status: { conditions: [{ type: 'Ready', status: 'False' }] } },
      'application/strategic-merge-patch+json',
    );
  }
  await eventually(async () => expect((await shop.deployment()).status?.availableReplicas ?? 0).toBe(0));
};
