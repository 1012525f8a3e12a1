import type { CanarySignals } from '../check.ts';
import { CANARY_OUT_OF_MEMORY } from '../check-reasons.ts';
import {
  type ContainerEnds,
  crashLoopOf,
  describeEnd,
  endsOf,
  isOutOfMemory,
  unstartedOf,
} from '../container-trouble.ts';
import { counted } from '../figures.ts';
import { REVISION_ANNOTATION } from '../marks.ts';
import { annotationsOf, type Pod } from '../objects.ts';
import type { ContainerRestarts, Run } from '../run.ts';
import { isFrozen } from './failed-check.ts';
import { elapsedMs, ending, type RunContext, type Stage, without } from './move.ts';

// What Kubernetes itself says about the canary. The primary's pods are never judged, nor those of a superseded revision.

const podsUnderTest = ({ snapshot, run }: RunContext): Pod[] =>
  snapshot.canaryPods.filter((pod) => annotationsOf(pod)[REVISION_ANNOTATION] === run.revision);

const isOf =
  (ends: Pick<ContainerEnds, 'pod' | 'container'>) =>
  ({ pod, container }: ContainerRestarts): boolean =>
    pod === ends.pod && container === ends.container;

/** Restarts before the first weight are of the start, which has its deadline; nobody was served by it yet. */
const counting = (ends: ContainerEnds, known: ContainerRestarts | undefined, run: Run): ContainerRestarts => {
  const { pod, container, count, last } = ends;
  const judged = run.evidence === undefined ? count : (known?.judged ?? 0);
  const record = { pod, container, count, judged };
  if (count > judged && isOutOfMemory(last)) return { ...record, outOfMemory: true, last: describeEnd(last) };
  // A want of memory is not hidden by whatever comes of it.
  if (known?.outOfMemory === true) return { ...record, outOfMemory: true, last: known.last };
  return { ...record, last: describeEnd(last) };
};

/** Restarts of pods that are replaced in the meantime must not be lost: each is kept as it is seen. */
const withRestarts = (context: RunContext): RunContext => {
  const { run } = context;
  const { restarts = [] } = run;
  const risen = endsOf(podsUnderTest(context)).filter(
    (ends) => ends.count > (restarts.find(isOf(ends))?.count ?? 0),
  );
  if (risen.length === 0) return context;
  const pods = new Set(context.snapshot.canaryPods.map(({ metadata }) => metadata.name));
  // Of a pod that is gone only what is not judged yet: no other has its name.
  const others = restarts.filter(
    (known) =>
      !risen.some((ends) => isOf(ends)(known)) && (known.count > known.judged || pods.has(known.pod)),
  );
  const next = risen.map((ends) => counting(ends, restarts.find(isOf(ends)), run));
  return { ...context, run: { ...run, restarts: [...others, ...next] } };
};

const withUnstarted = (context: RunContext): RunContext => {
  const { run, now } = context;
  const unstarted = unstartedOf(podsUnderTest(context)) !== undefined;
  if (unstarted === (run.unstartedSince !== undefined)) return context;
  const next = unstarted ? { ...run, unstartedSince: now.toISOString() } : without(run, 'unstartedSince');
  return { ...context, run: next };
};

/** What the canary's pods show is kept in the run, whatever the run waits for. */
export const withSignals = (context: RunContext): RunContext => withUnstarted(withRestarts(context));

/** The restarts seen so far are in a verdict: the next check judges what comes then. */
export const restartsJudged = (run: Run): Run => {
  if (run.restarts === undefined) return run;
  const judged = run.restarts.map(({ outOfMemory: _, ...each }) => ({ ...each, judged: each.count }));
  return { ...run, restarts: judged };
};

export const signalsOf = ({ snapshot, run }: RunContext): CanarySignals => {
  const canary = snapshot.canaryDeployment;
  const wanted = canary?.spec.replicas ?? 0;
  const ready = canary?.status?.readyReplicas ?? 0;
  const unjudged = (run.restarts ?? []).filter(({ count, judged }) => count > judged);
  const restarts = unjudged.reduce((sum, { count, judged }) => sum + count - judged, 0);
  const worst = unjudged.find(({ outOfMemory }) => outOfMemory) ?? unjudged[0];
  const words = worst === undefined ? '' : ` (container ${worst.container} of ${worst.pod}: ${worst.last})`;
  return {
    ready: ready >= wanted,
    restarts,
    outOfMemory: worst?.outOfMemory === true,
    message: `${ready} of ${wanted} canary pods ready, ${counted(restarts, 'restart')}${words}`,
  };
};

interface Decided {
  reason: string;
  message: string;
}

const crashing = (pods: readonly Pod[]): Decided | undefined => {
  const ends = crashLoopOf(pods);
  if (ends === undefined) return undefined;
  const times = counted(ends.count, 'time');
  return {
    reason: isOutOfMemory(ends.last) ? CANARY_OUT_OF_MEMORY : 'CanaryCrashes',
    message: `container ${ends.container} of ${ends.pod} keeps crashing: ${times}, last with ${describeEnd(ends.last)}`,
  };
};

const LONGEST_WORDS = 300;

const unstartable = (context: RunContext, pods: readonly Pod[]): Decided | undefined => {
  const { run, now } = context;
  const found = unstartedOf(pods);
  if (found === undefined || elapsedMs(run.unstartedSince ?? now.toISOString(), now) < found.patienceMs)
    return undefined;
  const words = found.words.slice(0, LONGEST_WORDS);
  const where = `container ${found.container} of ${found.pod}`;
  return found.kind === 'image'
    ? { reason: 'ImagePullFailed', message: `image ${found.image} of ${where} can not be had: ${words}` }
    : { reason: 'CanaryUnstartable', message: `${where} can not be started: ${words}` };
};

/** The canary's containers do not end each time, and can be started; else waiting longer changes nothing. */
export const canaryRuns: Stage = (context) => {
  const { run } = context;
  const pods = podsUnderTest(context);
  const decided = isFrozen(context) ? undefined : (crashing(pods) ?? unstartable(context, pods));
  if (decided === undefined) return undefined;
  return {
    run: { ...run, ending: ending(context, { outcome: 'RolledBack', ...decided }) },
    ...decided,
    requeueAfterMs: 0,
  };
};
