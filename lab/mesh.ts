import { join } from 'node:path';
import { ensureBinaries } from './binaries.ts';
import { type DataPlane, type DataPlaneOptions, startDataPlane } from './data-plane.ts';
import type { Lab } from './lab.ts';

export type MeshOptions = Pick<DataPlaneOptions, 'lag' | 'proxies' | 'retries' | 'scrapeIntervalMs'>;

/** Envoy and Prometheus for a lab; stopped with it. */
export const startMesh = async (lab: Lab, options: MeshOptions = {}): Promise<DataPlane> => {
  const binaries = await ensureBinaries(['envoy', 'prometheus']);
  const mesh = await startDataPlane({ lab, dir: join(lab.dir, 'mesh'), binaries, ...options });
  lab.onStop(() => mesh.stop());
  return mesh;
};
