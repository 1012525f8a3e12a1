import type { CustomMetricReader } from '../analysis/custom-metrics.ts';
import type { MetricProvider } from '../analysis/metric-provider.ts';
import { keyOf, type ObjectKey } from '../core/objects.ts';
import { isActive } from '../core/plan/lifecycle.ts';
import type { Outcome } from '../core/run.ts';
import type { Canary, OperatorDefaults } from '../core/snapshot.ts';
import { describeError } from '../kube/errors.ts';
import type { Send } from '../outbound/outbound.ts';
import { createCaller } from './caller.ts';
import { type ControllerLog, type ControllerPorts, reconcile } from './controller.ts';
import { createCustomPoller } from './custom-poller.ts';
import type { EffectPorts } from './effects.ts';
import { createEvidencePoller } from './evidence-poller.ts';
import { customTargets, metricTargets } from './metric-targets.ts';
import { createRetries, type Retry } from './retries.ts';
import type { SnapshotSources } from './snapshot.ts';
import { allSynced, type Stores } from './stores.ts';
import { splitKeys, wakeOnChanges } from './wake.ts';
import { createWorkQueue, type WorkQueue } from './work-queue.ts';

export interface SchedulerOptions {
  stores: Stores;
  routerFor: SnapshotSources['routerFor'];
  provider: MetricProvider | undefined;
  customMetrics: CustomMetricReader;
  /** Sends what runs tell others, and asks of them. */
  send: Send;
  effects: Omit<EffectPorts, 'call'>;
  operator: OperatorDefaults;
  log: ControllerLog;
  /** Throws when this process may not write. */
  fence(): void;
  /** Keys worked on at the same time; default 8. */
  workers?: number;
  /** Called for each reconcile with its result, for metrics. */
  onReconciled?(result: { seconds: number; failed: boolean }): void;
  /** Called for each run that became history, for metrics. */
  onEnded?(outcome: Outcome): void;
}

const BUDGET_MS = 30_000;
const SYNC_POLL_MS = 50;

/** Keeps what was last written until the cache has it: a plan from a stale status would be refused by its guard. */
const createLatest = (stores: Stores) => {
  const written = new Map<ObjectKey, Canary>();
  const version = (canary: Canary): bigint => BigInt(canary.metadata.resourceVersion ?? '0');
  return {
    remember: (canary: Canary): void => void written.set(keyOf(canary), canary),
    latest: (key: ObjectKey): Canary | undefined => {
      const cached = stores.canaries.get(key);
      const own = written.get(key);
      if (own === undefined) return cached;
      const behind =
        cached !== undefined && cached.metadata.uid === own.metadata.uid && version(cached) < version(own);
      if (behind) return own;
      written.delete(key);
      return cached;
    },
  };
};

/** In the log; and, once it has lasted, in an Event: a Deployment must not stay held without a word. */
const tellTrouble = (
  { log, stores, effects }: SchedulerOptions,
  key: ObjectKey,
  { error, retry }: { error: unknown; retry: Retry },
): void => {
  if (retry.outrun) {
    log.info({ rollout: key }, 'written by somebody else meanwhile; reading again');
    return;
  }
  log.error({ rollout: key, err: error, retryMs: retry.afterMs }, 'reconcile failed');
  const deployment = stores.deployments.get(key);
  if (!retry.tell || deployment === undefined) return;
  const message = `Kanari can not go on with this Deployment, and keeps trying: ${describeError(error).message}`;
  effects.record([deployment], { type: 'Warning', reason: 'ReconcileFailed', message });
};

/** What reconciling needs, and the loops that feed it. */
const createPorts = (options: SchedulerOptions, queue: WorkQueue) => {
  const { stores, effects, operator, log } = options;
  const { remember, latest } = createLatest(stores);
  const caller = createCaller({
    send: options.send,
    now: () => effects.now(),
    onAnswer: (key) => queue.add(key),
    onEnd: (key, { id, attempt }, { ok, message }) =>
      log[ok ? 'info' : 'warn']({ rollout: key, call: id, attempt, outcome: message }, 'call ended'),
  });
  const looking = {
    onReading: (key: ObjectKey) => queue.add(key),
    intervalMs: operator.lookIntervalMs,
    sleep: (ms: number, signal: AbortSignal) => effects.sleep(ms, signal),
  };
  const poller = createEvidencePoller({
    ...looking,
    provider: options.provider,
    targets: () => metricTargets(stores),
  });
  const customPoller = createCustomPoller({
    ...looking,
    reader: options.customMetrics,
    targets: () => customTargets(stores, effects.now()),
  });
  const ports: ControllerPorts = {
    sources: {
      stores,
      operator,
      routerFor: options.routerFor,
      evidenceOf: poller.evidenceOf,
      customReadingsOf: customPoller.readingsOf,
      callAnswersOf: caller.answersOf,
      latestCanary: latest,
    },
    effects: { ...effects, call: caller.make },
    log,
    fence: () => options.fence(),
    remember,
    onEnded: (outcome) => options.onEnded?.(outcome),
    budgetMs: BUDGET_MS,
  };
  return { ports, loops: [poller, customPoller, caller] };
};

export interface Scheduler {
  /** Deployments that wait for a worker. */
  waiting: () => number;
  /** Runs under way, as the cache knows them. */
  activeRuns: () => number;
  /** Runs while this process leads; resolves once every worker has finished its key. */
  run(signal: AbortSignal): Promise<void>;
}

export const createScheduler = (options: SchedulerOptions): Scheduler => {
  const { stores, effects } = options;
  const queue = createWorkQueue();
  const retries = createRetries();
  const { ports, loops } = createPorts(options, queue);

  const work = async (key: string, signal: AbortSignal): Promise<void> => {
    const started = performance.now();
    let failed = false;
    try {
      const after = await reconcile(ports, key as ObjectKey, signal);
      retries.succeeded(key);
      if (after !== undefined) queue.addAfter(key, after);
    } catch (error) {
      failed = true;
      const retry = retries.failed(key, error);
      queue.addAfter(key, retry.afterMs);
      if (!signal.aborted) tellTrouble(options, key as ObjectKey, { error, retry });
    }
    options.onReconciled?.({ seconds: (performance.now() - started) / 1_000, failed });
  };

  wakeOnChanges(stores, (key) => queue.add(key));

  return {
    waiting: () => queue.depth(),
    activeRuns: () => stores.canaries.list().filter(({ status }) => isActive(status?.run)).length,
    run: async (signal) => {
      while (!allSynced(stores) && !signal.aborted) await effects.sleep(SYNC_POLL_MS, signal);
      for (const deployment of stores.deployments.list()) queue.add(keyOf(deployment));
      for (const canary of stores.canaries.list()) queue.add(keyOf(canary));
      for (const key of splitKeys(stores)) queue.add(key);
      await Promise.all([
        ...loops.map((loop) => loop.run(signal)),
        queue.run(options.workers ?? 8, (key) => work(key, signal), signal),
      ]);
    },
  };
};
