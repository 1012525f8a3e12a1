import { installAdmission } from './admission.ts';
import { type Balancer, startBalancer } from './balancer.ts';
import { type Kanari, type KanariOptions, startKanari } from './kanari.ts';
import type { Lab } from './lab.ts';

export interface Replicas {
  balancer: Balancer;
  replicas: Kanari[];
}

/** Several Kanaris behind one address, as the manifests run them; resolves once all are ready. */
export const startReplicas = async (
  lab: Lab,
  count: number,
  options: KanariOptions = {},
): Promise<Replicas> => {
  await installAdmission(lab, { failsafe: options.failsafe === true });
  const balancer = await startBalancer();
  lab.onStop(() => balancer.stop());
  const webhookUrl = `https://127.0.0.1:${balancer.port}`;
  const start = async (_: unknown, index: number): Promise<Kanari> => {
    const kanari = await startKanari(lab, {
      ...options,
      replica: { identity: `kanari-${index}`, webhookUrl },
    });
    balancer.add({ port: kanari.webhookPort, operationsUrl: kanari.operationsUrl });
    return kanari;
  };
  return { balancer, replicas: await Promise.all(Array.from({ length: count }, start)) };
};
