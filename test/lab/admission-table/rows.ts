import type { Deployment } from '../../../src/core/objects.ts';
import type { Outcomes } from './situation.ts';

// Parts of the table that several situations share: what becomes of each kind of request.

/** Edited in the manifest. */
export const specOf =
  (spec: object) =>
  (manifest: Deployment): Deployment => ({ ...manifest, spec: { ...manifest.spec, ...spec } });

/** However it comes. */
export const newer = <Name extends string>(outcome: Name) =>
  ({ newer: outcome, newerImage: outcome, newerByPut: outcome }) as const;

export const back = <Name extends string>(outcome: Name) =>
  ({ back: outcome, backImage: outcome, backByPut: outcome }) as const;

/** One version serves, and Kanari has nothing to do. */
export const SERVING = {
  ...newer('NewRevision'),
  same: 'Unchanged',
  sameByPut: 'Unchanged',
  restart: 'RestartOnly',
  restartByPatch: 'RestartOnly',
  undo: 'NewRevision',
  pause: 'UserPaused',
  pauseInManifest: 'UserPaused',
  resume: 'NotPaused',
  resumeInManifest: 'Unchanged',
  scale: 'Unchanged',
} as const satisfies Outcomes;

/** Whatever brings a new template, it goes out; the rest is as ever. */
export const through = <Reason extends string>(reason: Reason) =>
  ({ ...SERVING, ...newer(reason), restart: reason, restartByPatch: reason, undo: reason }) as const;
