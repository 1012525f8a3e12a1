import { MANAGED_BY_LABEL } from './marks.ts';
import { type KubeObject, labelsOf } from './objects.ts';
import { type SplitEntry, splitsOf } from './split-annotation.ts';
import { carriesEntry, standsAs, withEntry } from './split-object.ts';

// What has to change in the objects that route one Deployment's traffic, whatever API they are of. Nothing to change and
// "it stands so" are the same, so reading the state asks the same plans as writing it.

const KANARI = 'kanari';

/** The label of the objects that are wholly Kanari's. */
export const OWN_LABELS = { [MANAGED_BY_LABEL]: KANARI };

export type RouteChange =
  /** Put the Deployment's entry into the object's split and derive its spec, or take it out. */
  | { kind: 'split'; object: KubeObject; entry: SplitEntry | undefined }
  /** Apply an object that is wholly Kanari's. */
  | { kind: 'apply'; object: KubeObject }
  /** Delete one. */
  | { kind: 'delete'; object: KubeObject };

export const isOwn = (object: KubeObject): boolean => labelsOf(object)[MANAGED_BY_LABEL] === KANARI;

export const foreign = <T extends KubeObject>(objects: readonly T[]): T[] =>
  objects.filter((object) => !isOwn(object));

/** Kanari's objects for the Deployment of this name. */
export const ownOf = <T extends KubeObject>(objects: readonly T[], name: string): T[] =>
  objects.filter((object) => isOwn(object) && carriesEntry(object, name));

/** The Deployment's entry in a user's object, undefined meaning none. */
export const splitChange = (
  object: KubeObject,
  name: string,
  entry: SplitEntry | undefined,
): RouteChange[] =>
  standsAs(object, withEntry(object, name, entry)) ? [] : [{ kind: 'split', object, entry }];

/** Takes the Deployment out of the user's objects. */
export const planGivenBack = (objects: readonly KubeObject[], name: string): RouteChange[] =>
  foreign(objects)
    // One without any entry was left half restored by a kill between its annotation and its spec.
    .filter((object) => carriesEntry(object, name) || Object.keys(splitsOf(object)).length === 0)
    .flatMap((object) => splitChange(object, name, undefined));

/** Deletes the Deployment's own objects. */
export const planOwnDeleted = (objects: readonly KubeObject[], name: string): RouteChange[] =>
  ownOf(objects, name).map((object): RouteChange => ({ kind: 'delete', object }));
