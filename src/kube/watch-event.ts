import type { KubeObject } from '../core/objects.ts';
import { errorFromStatus, KubeError } from './errors.ts';

/** One line of a watch. A bookmark only says how far the watch has come. */
export type WatchEvent =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: KubeObject; resourceVersion: string }
  | { type: 'BOOKMARK'; resourceVersion: string };

const OBJECT_TYPES = ['ADDED', 'MODIFIED', 'DELETED'] as const;

const undecodable = (message: string): KubeError =>
  new KubeError({ status: 0, reason: 'Undecodable', message });

/** Throws the KubeError that an ERROR line carries (status 410: too old), and `Undecodable` for anything unknown. */
export const decodeWatchEvent = (line: unknown): WatchEvent => {
  const { type, object } = (line ?? {}) as { type?: unknown; object?: KubeObject };
  if (type === 'ERROR') throw errorFromStatus(500, object);
  const resourceVersion = object?.metadata?.resourceVersion;
  if (object === undefined || !resourceVersion) throw undecodable('a watch event has no resourceVersion');
  if (type === 'BOOKMARK') return { type, resourceVersion };
  const known = OBJECT_TYPES.find((name) => name === type);
  if (known === undefined || !object.metadata.name) throw undecodable('a watch event is of no known type');
  return { type: known, object, resourceVersion };
};
