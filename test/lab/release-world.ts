import { setTimeout as sleep } from 'node:timers/promises';
import type { DataPlane } from '../../lab/data-plane.ts';
import { type Kanari, startKanari } from '../../lab/kanari.ts';
import { type Lab, startLab } from '../../lab/lab.ts';
import { type MeshOptions, startMesh } from '../../lab/mesh.ts';

// Everything that a release passes through: a control plane, Envoy, Prometheus and Kanari with its own rights only.

export interface ReleaseWorld {
  lab: Lab;
  /** Or a gateway: where clients ask, and who counts. */
  mesh: Pick<DataPlane, 'httpPort' | 'prometheusUrl' | 'prometheus'>;
  kanari: Kanari;
}

export const startReleaseWorld = async (options: MeshOptions = {}): Promise<ReleaseWorld> => {
  const lab = await startLab();
  try {
    const mesh = await startMesh(lab, options);
    const kanari = await startKanari(lab, { prometheusUrl: mesh.prometheusUrl });
    return { lab, mesh, kanari };
  } catch (error) {
    await lab.stop();
    throw error;
  }
};

// A run takes half a minute on an idle machine; a busy one may take several times that.
const DEADLINE_MS = 120_000;
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
