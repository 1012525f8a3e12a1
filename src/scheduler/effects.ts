import type { OutboundCall } from '../core/calls.ts';
import type { UngatedReason } from '../core/conditions.ts';
import type { Effect } from '../core/effects.ts';
import { formatPointer } from '../core/json-pointer.ts';
import { COMMAND_ANNOTATION } from '../core/marks.ts';
import type { Deployment, KubeObject, ObjectKey } from '../core/objects.ts';
import { revisionOf } from '../core/revision.ts';
import type { JsonPatchOperation } from '../kube/api.ts';
import { isInvalid } from '../kube/errors.ts';
import type { ObjectRef } from '../kube/resources.ts';
import { type AdoptPorts, adopt } from './adopt.ts';
import {
  clearConditionPatch,
  failedConditionPatch,
  marksPatch,
  restorePatch,
  unpausePatch,
  weightMarkPatch,
} from './deployment-writes.ts';
import { disown } from './disown.ts';
import { createCanary, keepTemplate } from './owned-objects.ts';
import type { Gathered } from './snapshot.ts';

export interface EffectPorts extends AdoptPorts {
  now(): Date;
  /** A template runs that no canary has tried: counted, logged and told in an Event; never fails. */
  ungated(deployment: Deployment, reason: UngatedReason): void;
  /** Begins a call to others; its answer comes with a later snapshot. */
  call(key: ObjectKey, call: OutboundCall): void;
  /** Records an Event on each object; never fails. */
  record(objects: KubeObject[], event: { type: 'Normal' | 'Warning'; reason: string; message: string }): void;
}

type Of<K extends Effect['kind']> = Extract<Effect, { kind: K }>;

/** What performing an effect needs: the ports, and the state it was planned from. */
interface Call {
  ports: EffectPorts;
  gathered: Gathered;
  signal: AbortSignal;
}

interface DeploymentCall extends Call {
  deployment: Deployment;
  ref: ObjectRef;
}

const adoptPrimary = async (call: DeploymentCall, effect: Of<'adopt'>): Promise<void> => {
  const { ports, gathered, deployment, signal } = call;
  const { replicaSets, injection } = gathered.snapshot;
  const replicaSet = replicaSets.find((set) => set.metadata.name === effect.replicaSet);
  if (replicaSet === undefined) return;
  // Running, the Deployment would take a template that its own ReplicaSet does not have for a new one.
  const isOwn =
    revisionOf(replicaSet.spec.template, injection) === revisionOf(deployment.spec.template, injection);
  const owner = deployment.spec.paused === true || isOwn ? deployment : undefined;
  await adopt(ports, { deployment: owner, replicaSet, injection, signal });
};

const restorePrimary = async (call: DeploymentCall, effect: Of<'restorePrimary'>): Promise<void> => {
  const { ports, deployment, ref, signal } = call;
  await ports.writer.jsonPatch(ref, restorePatch(deployment, effect), { signal });
  await disown(ports, ref, signal);
};

/** Takes away the command that was read: another one, given meanwhile, is still to be heard. */
const consumeCommand = async ({ ports, gathered, signal }: DeploymentCall): Promise<void> => {
  const { canary, command } = gathered.snapshot;
  if (canary === undefined || command === undefined) return;
  const { name, namespace = '' } = canary.metadata;
  const path = formatPointer(['metadata', 'annotations', COMMAND_ANNOTATION]);
  const taking: JsonPatchOperation[] = [
    { op: 'test', path, value: command },
    { op: 'remove', path },
  ];
  try {
    await ports.writer.jsonPatch({ kind: 'Canary', namespace, name }, taking, { signal });
  } catch (error) {
    // Whoever has changed or removed it has woken the key by that.
    if (!isInvalid(error)) throw error;
  }
};

const recordEvent = ({ ports, gathered, deployment }: DeploymentCall, effect: Of<'event'>): void => {
  const { canary } = gathered.snapshot;
  const { type, reason, message } = effect;
  ports.record(canary === undefined ? [deployment] : [deployment, canary], { type, reason, message });
};

const deleteOne = (
  { ports, signal, ref }: DeploymentCall,
  kind: 'ReplicaSet' | 'Deployment' | 'ControllerRevision',
  of: { name: string; uid: string },
) => ports.writer.delete({ ...ref, kind, name: of.name }, { uid: of.uid, signal });

const patchStatus = ({ ports, signal, ref }: DeploymentCall, body: object): Promise<unknown> =>
  ports.writer.strategicPatch(ref, body, { signal, subresource: 'status' });

const unpause = ({ ports, deployment, signal, ref }: DeploymentCall, effect: Of<'promote' | 'release'>) =>
  ports.writer.jsonPatch(ref, unpausePatch(deployment, effect), { signal });

type TrafficKind = 'ensureDestinations' | 'setShare' | 'restoreRoutes' | 'removeDestinations';
type Performers<K extends Effect['kind'], C> = { [Kind in K]: (call: C, effect: Of<Kind>) => unknown };

const TRAFFIC: Performers<TrafficKind, Call> = {
  ensureDestinations: ({ gathered: { router, target }, signal }) => router.ensureDestinations(target, signal),
  setShare: ({ gathered: { router, target }, signal }, { share }) => router.setShare(target, share, signal),
  restoreRoutes: ({ gathered: { router, target }, signal }) => router.restore(target, signal),
  removeDestinations: ({ gathered: { router, target }, signal }) => router.removeDestinations(target, signal),
};

const ON_DEPLOYMENT: Performers<Exclude<Effect['kind'], TrafficKind>, DeploymentCall> = {
  createCanary,
  keepPrimaryTemplate: keepTemplate,
  dropTemplate: (call, effect) => deleteOne(call, 'ControllerRevision', effect),
  adopt: adoptPrimary,
  consumeCommand,
  call: ({ ports, gathered }, { call }) => ports.call(gathered.snapshot.key, call),
  event: recordEvent,
  promote: unpause,
  release: unpause,
  restorePrimary,
  ungated: ({ ports, deployment }, { reason }) => ports.ungated(deployment, reason),
  clearFailedCondition: (call) => patchStatus(call, clearConditionPatch()),
  setFailedCondition: (call, { message }) =>
    patchStatus(call, failedConditionPatch(message, call.ports.now().toISOString())),
  setWeightMark: ({ ports, signal, ref }, { weight }) =>
    ports.writer.mergePatch(ref, weightMarkPatch(weight), { signal, subresource: 'status' }),
  setMarks: ({ ports, deployment, signal, ref }, { marks }) =>
    ports.writer.mergePatch(ref, marksPatch(deployment, marks), { signal, subresource: 'status' }),
  deleteReplicaSet: (call, effect) => deleteOne(call, 'ReplicaSet', effect),
  deleteCanary: (call, effect) => deleteOne(call, 'Deployment', effect),
  applyCanary: ({ ports, signal }, { manifest }) => ports.writer.apply(manifest, { signal, force: true }),
};

const isTraffic = (effect: Effect): effect is Of<TrafficKind> => effect.kind in TRAFFIC;

/** Carries out one effect. Idempotent; throws KubeError when the API server refuses it. */
export const perform = async (call: Call, effect: Effect): Promise<void> => {
  if (isTraffic(effect)) {
    const performer = TRAFFIC[effect.kind] as (call: Call, effect: Effect) => unknown;
    await performer(call, effect);
    return;
  }
  const { deployment, key } = call.gathered.snapshot;
  if (deployment === undefined) throw new Error(`effect ${effect.kind} on ${key}, which is gone`);
  const { name, namespace = '' } = deployment.metadata;
  const performer = ON_DEPLOYMENT[effect.kind] as (call: DeploymentCall, effect: Effect) => unknown;
  await performer({ ...call, deployment, ref: { kind: 'Deployment', namespace, name } }, effect);
};

/** For logs: the effect in a word or two. */
export const describeEffect = (effect: Effect): string =>
  effect.kind === 'setShare' ? `setShare ${JSON.stringify(effect.share)}` : effect.kind;
