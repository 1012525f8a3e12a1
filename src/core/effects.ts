import type { OutboundCall } from './calls.ts';
import type { UngatedReason } from './conditions.ts';
import type { Deployment, PodTemplate } from './objects.ts';
import type { CanaryStatus, Revision } from './run.ts';
import type { Share } from './share.ts';

// Effects are data: what a plan wants done, in order. The scheduler performs them; tests compare them.

export type Effect =
  /** Create the Canary object, owned by the Deployment. */
  | { kind: 'createCanary' }
  /** Remove Kanari's failed condition from the Deployment's status, so that `rollout status` waits again. */
  | { kind: 'clearFailedCondition' }
  /** Set Progressing=False, ProgressDeadlineExceeded with the reason in words: `rollout status` exits 1. */
  | { kind: 'setFailedCondition'; message: string }
  /** Keep the primary's template as a ControllerRevision. */
  | { kind: 'keepPrimaryTemplate'; revision: Revision; template: PodTemplate }
  /** Delete the ControllerRevision of a version that serves no more. */
  | { kind: 'dropTemplate'; name: string; uid: string }
  /** Delete a zero-replica ReplicaSet of the held template, guarded by UID and resourceVersion. */
  | { kind: 'deleteReplicaSet'; name: string; uid: string }
  /** Write every injected key into the primary's ReplicaSet template and its labels onto its pods. */
  | { kind: 'adopt'; replicaSet: string }
  | { kind: 'ensureDestinations' }
  /** Split every route at this canary share; weight 0 alone lays the split. */
  | { kind: 'setShare'; share: Share }
  | { kind: 'restoreRoutes' }
  | { kind: 'removeDestinations' }
  /** Server-side apply of the canary Deployment. */
  | { kind: 'applyCanary'; manifest: Deployment }
  | { kind: 'deleteCanary'; name: string; uid: string }
  /** Unpause the held template, guarded by tests of pause, mark and the template that was analysed. */
  | { kind: 'promote'; revision: Revision; template: PodTemplate }
  /** Unpause a Deployment whose template is the primary's own: nothing restarts. */
  | { kind: 'release'; revision: Revision; template: PodTemplate }
  /** The held template gives way to the lost primary's, which is released; guarded as `promote` is. */
  | { kind: 'restorePrimary'; revision: Revision; template: PodTemplate; held: PodTemplate }
  /** A template runs without a canary: counted, logged and told in an Event, as admission does. */
  | { kind: 'ungated'; reason: UngatedReason }
  /** Keep the annotation `kanari.dev/weight` current, through the status subresource. */
  | { kind: 'setWeightMark'; weight: number }
  /**
   * Write marks, or remove those that are null, through the status subresource; refused when the Deployment has changed
   * since it was read.
   */
  | { kind: 'setMarks'; marks: Readonly<Record<string, string | null>> }
  /** Remove the command annotation once it is carried out or refused. */
  | { kind: 'consumeCommand' }
  /** Make a call to others; its answer comes with a later snapshot. Does nothing while that very call is being made. */
  | { kind: 'call'; call: OutboundCall }
  /** An Event on the Deployment and the Canary. */
  | { kind: 'event'; type: 'Normal' | 'Warning'; reason: string; message: string };

export interface Plan {
  /** Status to write before the effects; undefined: none (no Canary is wanted). */
  status: CanaryStatus | undefined;
  effects: Effect[];
  /** Milliseconds until the plan should be made anew although nothing was seen to change; undefined: never. */
  requeueAfterMs: number | undefined;
  /** From the reason catalogue: why the run is where it is. */
  reason: string;
}
