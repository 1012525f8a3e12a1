import { controllerOf, labelsOf, type Pod, type ReplicaSet } from '../src/core/objects.ts';
import { servedAt } from './pod-network.ts';

/** A pod as metrics name it. */
export interface PodIdentity {
  uid: string;
  pod: string;
  namespace: string;
  /** Name of the Deployment that owns it, by its ReplicaSet. */
  workload: string;
  /** Its label `version`. */
  version: string;
}

/** Who answers on an address. Remembers a pod after it is gone: log lines about it come late. */
export interface PodDirectory {
  at(address: string): PodIdentity | undefined;
  isAlive(uid: string): boolean;
  /** To be told of every pod that appears or changes. */
  saw(pod: Pod): void;
  gone(pod: Pod): void;
}

export const createPodDirectory = (replicaSet: (key: string) => ReplicaSet | undefined): PodDirectory => {
  const byAddress = new Map<string, PodIdentity>();
  const alive = new Set<string>();
  return {
    at: (address) => byAddress.get(address),
    isAlive: (uid) => alive.has(uid),
    saw: (pod) => {
      const uid = pod.metadata.uid ?? '';
      alive.add(uid);
      const ip = pod.status?.podIP;
      // Addresses are reused at most by a later pod, so the map is bounded by the lab's address range.
      if (ip !== undefined) byAddress.set(servedAt(ip), identify(pod, replicaSet));
    },
    gone: (pod) => {
      alive.delete(pod.metadata.uid ?? '');
    },
  };
};

const identify = (pod: Pod, replicaSet: (key: string) => ReplicaSet | undefined): PodIdentity => {
  const { name, namespace = 'default', uid = '' } = pod.metadata;
  return {
    uid,
    pod: name,
    namespace,
    workload: workloadOf(pod, replicaSet) ?? 'unknown',
    version: labelsOf(pod)['version'] ?? 'unknown',
  };
};

const workloadOf = (pod: Pod, replicaSet: (key: string) => ReplicaSet | undefined): string | undefined => {
  const owner = controllerOf(pod);
  if (owner?.kind !== 'ReplicaSet') return owner?.name ?? pod.metadata.name;
  const found = replicaSet(`${pod.metadata.namespace}/${owner.name}`);
  if (found !== undefined) return controllerOf(found)?.name ?? owner.name;
  // Its ReplicaSet may not be mirrored yet; Deployments name theirs `<name>-<template hash>`, as Istio relies on too.
  return owner.name.replace(/-[a-z0-9]+$/, '');
};
