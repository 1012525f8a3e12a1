import { ensureBinaries } from './binaries.ts';
import { ensureContourCrds, ensureGatewayApiCrds, ensureIstioCrds } from './crds.ts';
import { PROGRAM_NAMES } from './programs.ts';

/** Finds or makes every program of the lab, with progress on stderr: minutes on a new machine, then milliseconds. */
export const prepareLab = async (): Promise<void> => {
  await ensureBinaries(PROGRAM_NAMES);
  await ensureIstioCrds();
  await ensureGatewayApiCrds();
  await ensureContourCrds();
};
