import { setTimeout as sleep } from 'node:timers/promises';
import type { DataPlane } from '../../lab/data-plane.ts';
import { type Kanari, startKanari } from '../../lab/kanari.ts';
import { type Lab, startLab } from '../../lab/lab.ts';
import { type MeshOptions, startMesh } from '../../lab/mesh.ts';

// Everything that a release passes through: a control plane, Envoy, Prometheus and Kanari with its own rights only.

export interface ReleaseWorld {
  lab: Lab;
  /** Where clients ask, and who counts. A gateway has one port, and no proxies. */
  mesh: Pick<DataPlane, 'httpPort' | 'prometheusUrl' | 'prometheus'> & Partial<Pick<DataPlane, 'proxies'>>;
  kanari: Kanari;
}

// Learnt as late as after half the wait, each way first in one namespace: what is written in the wrong order, or too early,
// fails requests, and nothing is tried twice that would hide them.
const LAGGING: MeshOptions = {
  retries: false,
  proxies: [
    { namespace: 'inside', lag: { routeLagMs: 2_000, endpointLagMs: 500 } },
    { namespace: 'clients', lag: { routeLagMs: 500, endpointLagMs: 2_000 } },
  ],
};
// The other half is for a busy machine.
const PROPAGATION_WAIT = '4s';
/** A pod that ends serves on until the last proxy has learnt of it, as everywhere. */
export const GRACE_CAP_MS = 4_000;

/** Clients of two namespaces behind proxies that lag by seconds, without retries. */
export const startReleaseWorld = async (options: MeshOptions = LAGGING): Promise<ReleaseWorld> => {
  const lab = await startLab({ kubelet: { graceCapMs: GRACE_CAP_MS } });
  try {
    const mesh = await startMesh(lab, options);
    const kanari = await startKanari(lab, {
      prometheusUrl: mesh.prometheusUrl,
      propagationWait: PROPAGATION_WAIT,
    });
    return { lab, mesh, kanari };
  } catch (error) {
    await lab.stop();
    throw error;
  }
};

// Only against what hangs: a run takes half a minute on an idle machine, and on a busy one a step alone takes a minute.
const DEADLINE_MS = 300_000;
const POLL_MS = 20;

/** Polls until the value is there. `describe` says what was there instead. */
export const eventually = async <T>(
  look: () => T | undefined | Promise<T | undefined>,
  describe: () => string,
): Promise<T> => {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`not within ${DEADLINE_MS} ms: ${describe()}`);
    await sleep(POLL_MS);
  }
};
