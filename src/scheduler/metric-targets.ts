import type { CustomTarget } from '../analysis/custom-metrics.ts';
import type { MetricTarget } from '../analysis/metric-provider.ts';
import { canaryNameOf } from '../core/canary-deployment.ts';
import { type Deployment, keyOf, type ObjectKey, type Service } from '../core/objects.ts';
import { checkDueAt } from '../core/plan/custom-checks.ts';
import { isActive } from '../core/plan/lifecycle.ts';
import type { Settings } from '../core/release-settings.ts';
import { isOwn } from '../core/route-change.ts';
import type { Run } from '../core/run.ts';
import { splitsOf } from '../core/split-annotation.ts';
import { settingsFor } from './settings.ts';
import { namespaceAt } from './snapshot.ts';
import type { Stores } from './stores.ts';

// What the metrics servers are asked about: canaries with traffic, and nothing of idle Deployments.

interface Judged {
  key: ObjectKey;
  run: Run;
  deployment: Deployment;
  settings: Settings;
  /** Name of the canary Deployment. */
  canary: string;
}

const judgedRuns = (stores: Stores): Judged[] =>
  stores.canaries.list().flatMap((canary): Judged[] => {
    const run = canary.status?.run;
    if (!isActive(run) || run.evidence === undefined) return [];
    const key = keyOf(canary);
    const deployment = stores.deployments.get(key);
    if (deployment === undefined) return [];
    const { name, namespace = '', uid = '-' } = deployment.metadata;
    const own = stores.deployments.controlledBy(uid)[0];
    const settings = settingsFor(stores, deployment, namespaceAt(stores, namespace));
    return [{ key, run, deployment, settings, canary: own?.metadata.name ?? canaryNameOf(name) }];
  });

/** The user's Services that the canary's stand beside: narrowed to the primary's pods while they do. */
const besides = (canaryServices: readonly Service[], deployment: Deployment): string[] =>
  canaryServices.flatMap((service) => splitsOf(service)[deployment.metadata.name]?.services ?? []);

/** For the built-in metrics. */
export const metricTargets = (stores: Stores): MetricTarget[] =>
  judgedRuns(stores).map(({ key, run, deployment, settings, canary }) => {
    const { name, uid = '-' } = deployment.metadata;
    const own = stores.services.controlledBy(uid).filter(isOwn);
    return {
      key,
      workload: canary,
      canaryServices: own.map(({ metadata }) => metadata.name),
      ...(run.evidence?.source === undefined ? {} : { source: run.evidence.source }),
      ...(settings.compare === 'primary'
        ? { primary: { workload: name, services: [...new Set(besides(own, deployment))] } }
        : {}),
      latency: settings.latency,
    };
  });

const isDue = ({ run, settings }: Judged, now: Date): boolean =>
  (checkDueAt(run, settings.intervalMs) ?? Number.POSITIVE_INFINITY) <= now.getTime();

/** For the users' own: runs that have some, and whose check is due. */
export const customTargets = (stores: Stores, now: Date): CustomTarget[] =>
  judgedRuns(stores)
    .filter((judged) => judged.settings.metrics.length > 0 && isDue(judged, now))
    .map(({ key, deployment, settings, canary }) => ({
      key,
      primary: deployment.metadata.name,
      canary,
      intervalMs: settings.intervalMs,
      metrics: settings.metrics,
    }));
