import { type ContourOptions, GATEWAY, startContour } from '../../lab/contour.ts';
import { startKanari } from '../../lab/kanari.ts';
import { startLab } from '../../lab/lab.ts';
import { GRACE_CAP_MS, type ReleaseWorld } from './release-world.ts';

// Contour and one Envoy learn within half a second; the rest is for a busy machine.
const PROPAGATION_WAIT = '3s';

/** The world of a release behind a real Gateway: Contour and its Envoy, whose own counters are the evidence. */
export const startContourWorld = async (options: ContourOptions = {}): Promise<ReleaseWorld> => {
  const lab = await startLab({ kubelet: { graceCapMs: GRACE_CAP_MS } });
  try {
    // Before Kanari: that it also notices kinds that come later is for others to show.
    const gateway = await startContour(lab, options);
    const kanari = await startKanari(lab, {
      prometheusUrl: gateway.prometheusUrl,
      propagationWait: PROPAGATION_WAIT,
    });
    return { lab, mesh: gateway, kanari };
  } catch (error) {
    await lab.stop();
    throw error;
  }
};

/** The route most users have: one host (as `openShop` asks for it), one rule, one Service without a weight. */
export const plainGatewayRoute = (namespace: string): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, labels: {team: shop}, annotations: {example.com/owner: jo}}
spec:
  parentRefs: [{name: ${GATEWAY.name}, namespace: ${GATEWAY.namespace}}]
  hostnames: [web.${namespace}]
  rules:
  - backendRefs: [{name: web, port: 80}]
`;
