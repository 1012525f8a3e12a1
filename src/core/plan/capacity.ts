import { canaryDeploymentOf, canaryNameOf } from '../canary-deployment.ts';
import type { Effect } from '../effects.ts';
import { canaryRevisionOf } from '../facts.ts';
import { counted } from '../figures.ts';
import type { Deployment } from '../objects.ts';
import { CONTAINER_TROUBLE } from '../primary-health.ts';
import { canaryReplicas, canaryReplicasByCount, shareByCount } from '../replicas.ts';
import { forewarnings } from './forewarned.ts';
import {
  elapsedMs,
  ending,
  isDecided,
  isGivenTraffic,
  percent,
  propagationWaitOf,
  type RunContext,
  SOON_MS,
  type Stage,
  steersTraffic,
  without,
} from './move.ts';
import { targetLoad, targetShare } from './prepare.ts';

// The canary has the pods that its share needs, however many the primary has by now: an HPA, KEDA or a person may scale
// the held Deployment at any time.

/** Canary pods for a weight, beside the primary as it is wanted now. */
const podsFor = (context: RunContext, weight: number): number =>
  (steersTraffic(context) ? canaryReplicas : canaryReplicasByCount)(context.facts.replicas, weight);

/** What the canary of this very revision is asked to have; 0 while there is none. */
const podsAskedFor = ({ snapshot: { canaryDeployment }, run }: RunContext): number =>
  canaryRevisionOf(canaryDeployment) === run.revision ? (canaryDeployment?.spec.replicas ?? 0) : 0;

/**
 * First the share, then pods: a proxy that has not learnt a smaller one still sends by the one before. Fewer are asked
 * for only before the first request, and when the step's own share has stood as long as proxies need.
 */
const mayShrink = (context: RunContext): boolean => {
  const { run, now } = context;
  if (!isGivenTraffic(context)) return true;
  if (!isDecided(context, targetShare(context)) || run.stepSince === undefined) return false;
  return elapsedMs(run.stepSince, now) >= propagationWaitOf(context);
};

/** Where the number of pods makes the share: what they make of a weight, in words to put after it. */
export const shareMade = (context: RunContext, weight: number): string => {
  if (steersTraffic(context) || weight === 0) return '';
  const { replicas } = context.facts;
  const pods = podsFor(context, weight);
  return ` (${pods} of ${counted(replicas + pods, 'pod')}: ${percent(Math.round(shareByCount(replicas, pods)))})`;
};

/** The canary Deployment, made anew or at another size. */
const resized = (context: RunContext, replicas: number, opening: Effect[] = []) => {
  const { snapshot, facts, run } = context;
  const name =
    snapshot.canaryDeployment?.metadata.name ??
    canaryNameOf(facts.deployment.metadata.name, snapshot.takenNames);
  const manifest = canaryDeploymentOf(facts.deployment, { name, revision: run.revision, replicas });
  const message = `${name}: ${counted(replicas, 'pod')} beside ${facts.replicas} of the primary`;
  const effects: Effect[] = [...opening, { kind: 'applyCanary', manifest }];
  return { effects, message, requeueAfterMs: SOON_MS };
};

/** The canary Deployment runs this revision, sized for the step. */
export const canarySized: Stage = (context) => {
  const { run, now, status } = context;
  const asked = podsAskedFor(context);
  const needed = podsFor(context, Math.max(targetLoad(context), status.canaryWeight));
  const replicas = mayShrink(context) ? needed : Math.max(needed, asked);
  if (asked === replicas) return undefined;
  return {
    // Another size is no new wait: one that flaps must not put the deadline off for ever.
    run: { ...run, waitingSince: run.waitingSince ?? now.toISOString() },
    ...resized(context, replicas, asked === 0 ? forewarnings(context) : []),
    reason: 'CanaryStarting',
  };
};

/** While the primary is rolled out the canary keeps its share of what may grow; it is soon gone, and does not shrink. */
export const promotedCanarySized: Stage = (context) => {
  const { status, facts, run } = context;
  const asked = podsAskedFor(context);
  const load = run.given === 'match' ? targetLoad(context) : status.canaryWeight;
  if (asked === 0 || load === 0 || facts.templateRevision !== run.revision) return undefined;
  const needed = podsFor(context, load);
  return needed <= asked ? undefined : { ...resized(context, needed), reason: 'Promoting' };
};

/** What keeps a Deployment's pods from being created (a quota, an admission webhook), in the API server's words. */
export const refusalOf = (deployment: Deployment | undefined): string | undefined => {
  const failure = deployment?.status?.conditions?.find(
    ({ type, status }) => type === 'ReplicaFailure' && status === 'True',
  );
  return failure && (failure.message ?? failure.reason ?? 'its pods are refused');
};

/** Why the canary's pods are not ready, in the words of the kubelet or the API server. */
const troubleOf = ({ snapshot }: RunContext): string => {
  for (const pod of snapshot.canaryPods) {
    const waiting = pod.status?.containerStatuses?.find((c) =>
      CONTAINER_TROUBLE.test(c.state?.waiting?.reason ?? ''),
    );
    if (waiting !== undefined) return ` (${pod.metadata.name}: ${waiting.state?.waiting?.reason ?? ''})`;
  }
  const refusal = refusalOf(snapshot.canaryDeployment);
  return refusal === undefined ? '' : ` (${refusal})`;
};

const canaryIsReady = (context: RunContext, wanted: number): boolean => {
  const { snapshot, facts } = context;
  const canary = snapshot.canaryDeployment;
  if (canary === undefined) return false;
  const seen = (canary.status?.observedGeneration ?? 0) >= (canary.metadata.generation ?? 0);
  const updated =
    (canary.status?.updatedReplicas ?? 0) >= wanted && (canary.status?.readyReplicas ?? 0) >= wanted;
  if (!seen || !updated) return false;
  if (snapshot.traffic.services.length === 0) return true;
  // Before its first request no pod of a superseded revision may be left behind the canary's address.
  const unmixed = isGivenTraffic(context) || snapshot.endpoints.canaryAny === snapshot.endpoints.canary;
  return snapshot.endpoints.canary >= wanted && unmixed && facts.replicas > 0;
};

/** Ready endpoints for this weight, within the progress deadline; else the run is rolled back. */
export const canaryReady: Stage = (context) => {
  const { snapshot, run, now } = context;
  const wanted = podsFor(context, targetLoad(context));
  if (canaryIsReady(context, wanted)) {
    return run.waitingSince === undefined
      ? undefined
      : {
          run: without(run, 'waitingSince'),
          reason: 'CanaryReady',
          message: 'the canary is ready',
          requeueAfterMs: 0,
        };
  }
  const since = run.waitingSince ?? now.toISOString();
  const ready = snapshot.canaryDeployment?.status?.readyReplicas ?? 0;
  const message = `${ready} of ${wanted} canary pods ready${troubleOf(context)}`;
  const left = snapshot.settings.progressDeadlineMs - elapsedMs(since, now);
  if (left > 0) {
    const requeueAfterMs = Math.min(left, 10_000);
    return { run: { ...run, waitingSince: since }, reason: 'CanaryNotReady', message, requeueAfterMs };
  }
  const decided = ending(context, { outcome: 'RolledBack', reason: 'CanaryNotReady', message });
  return { run: { ...run, ending: decided }, reason: 'CanaryNotReady', message, requeueAfterMs: 0 };
};
