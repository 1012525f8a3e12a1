import { ensureGatewayApiCrds } from './crds.ts';
import type { Lab } from './lab.ts';

/** Installs HTTPRoute and GRPCRoute. Nothing in the lab routes by them: they are stored and admitted. */
export const installGatewayApi = async (lab: Lab): Promise<void> => {
  await lab.kubectl(['apply', '--server-side', '-f', await ensureGatewayApiCrds()]);
  await lab.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=60s']);
};
