import { join } from 'node:path';
import { ensureBinaries } from './binaries.ts';
import type { Lab } from './lab.ts';
import { podsHaveRealAddresses } from './pod-network.ts';
import { freePorts } from './ports.ts';
import { startProcess } from './process.ts';

const READY_MS = 60_000;

/**
 * Starts Flagger's own load tester, which keeps gates and runs commands for webhooks; stopped with the lab.
 * @returns its base URL
 * @throws outside of a network namespace of the lab's own: it runs commands for whoever reaches it, on every address.
 */
export const startLoadTester = async (lab: Lab): Promise<string> => {
  if (!podsHaveRealAddresses)
    throw new Error("Flagger's load tester obeys everybody: run it by scripts/in-own-network.sh");
  const { loadtester } = await ensureBinaries(['loadtester']);
  const [port = 0] = await freePorts(1);
  const server = startProcess({
    name: 'loadtester',
    program: loadtester,
    args: [`--port=${port}`],
    logFile: join(lab.dir, 'loadtester.log'),
  });
  lab.onStop(() => server.stop());
  const url = `http://127.0.0.1:${port}`;
  await server.waitUntil(async () => (await fetch(`${url}/healthz`)).ok, READY_MS);
  return url;
};
