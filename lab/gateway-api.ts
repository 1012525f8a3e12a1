import { ensureGatewayApiCrds } from './crds.ts';
import type { Lab } from './lab.ts';
import { waitForCondition } from './wait-for.ts';

/** Installs HTTPRoute and GRPCRoute. Nothing in the lab routes by them: they are stored and admitted. */
export const installGatewayApi = async (lab: Lab): Promise<void> => {
  await lab.kubectl(['apply', '--server-side', '-f', await ensureGatewayApiCrds()]);
  await waitForCondition(lab, 'Established', ['crd', '--all']);
};
