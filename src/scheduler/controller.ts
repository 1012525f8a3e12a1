import type { Plan } from '../core/effects.ts';
import { newEntries } from '../core/history.ts';
import type { ObjectKey } from '../core/objects.ts';
import { plan } from '../core/plan/plan.ts';
import type { CanaryStatus, Outcome } from '../core/run.ts';
import { sameJson } from '../core/same-json.ts';
import type { Canary } from '../core/snapshot.ts';
import { withDeadline } from '../kube/linked-signal.ts';
import { unchangedSince } from '../kube/resource-version.ts';
import { describeEffect, type EffectPorts, perform } from './effects.ts';
import { type Gathered, gatherSnapshot, type SnapshotSources } from './snapshot.ts';

export interface ControllerLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface ControllerPorts {
  sources: SnapshotSources;
  effects: EffectPorts;
  log: ControllerLog;
  /** Throws when this process is not, or may not be, the leader: nothing is written then. */
  fence(): void;
  /** A status as it was stored, for the next look while the cache is behind. */
  remember(canary: Canary): void;
  /** A run became history. */
  onEnded(outcome: Outcome): void;
  /** Total time for one key, ms. */
  budgetMs: number;
}

/** By value: the API server orders keys as it likes. */
const changed = (before: CanaryStatus | undefined, after: CanaryStatus): boolean => !sameJson(before, after);

const writeStatus = async (
  ports: ControllerPorts,
  canary: Canary,
  status: CanaryStatus,
  signal: AbortSignal,
): Promise<void> => {
  const { name, namespace = '' } = canary.metadata;
  const stored = await ports.effects.writer.jsonPatch(
    { kind: 'Canary', namespace, name },
    [unchangedSince(canary), { op: 'add', path: '/status', value: status }],
    { signal, subresource: 'status' },
  );
  ports.remember(stored as Canary);
  for (const { outcome } of newEntries(canary.status, status)) ports.onEnded(outcome);
};

/** Intent first, then the effects in order; the first failure stops the rest, and the next plan resumes. */
const carryOut = async (ports: ControllerPorts, gathered: Gathered, decided: Plan, signal: AbortSignal) => {
  const { canary, key } = gathered.snapshot;
  if (canary !== undefined && decided.status !== undefined && changed(canary.status, decided.status)) {
    ports.fence();
    await writeStatus(ports, canary, decided.status, signal);
  }
  for (const effect of decided.effects) {
    ports.fence();
    await perform({ ports: ports.effects, gathered, signal }, effect);
    // A call under way is asked for at each look; its end has a line of its own.
    if (effect.kind !== 'event' && effect.kind !== 'call') {
      ports.log.info({ rollout: key, effect: describeEffect(effect), reason: decided.reason }, 'effect done');
    }
  }
};

/**
 * Reconciles one Deployment: gather, plan, write. Throws KubeError when a write is refused.
 * @returns milliseconds until the key wants to be looked at again, if it does
 */
export const reconcile = async (
  ports: ControllerPorts,
  key: ObjectKey,
  signal: AbortSignal,
): Promise<number | undefined> => {
  const gathered = gatherSnapshot(ports.sources, key);
  const decided = plan(gathered.snapshot, ports.effects.now());
  await withDeadline(signal, ports.budgetMs, (deadline) => carryOut(ports, gathered, decided, deadline));
  return decided.requeueAfterMs;
};
