import { startKanari } from './kanari.ts';
import { startLab } from './lab.ts';
import { startMesh } from './mesh.ts';

// `npm run lab`: keeps a control plane, a mesh and Kanari up until Ctrl-C, to try things by hand.

const lab = await startLab();
const mesh = await startMesh(lab);
const kanari = await startKanari(lab, { prometheusUrl: mesh.prometheusUrl });

console.log(`The lab is up; logs are in ${lab.dir}. In another terminal:

  export KUBECONFIG=${lab.kubeconfig}
  kubectl get all -A
  curl -H 'Host: web.shop' http://127.0.0.1:${mesh.httpPort}/      # any Service, through the mesh
  curl ${kanari.operationsUrl}/metrics                      # Kanari's own metrics

Prometheus: ${mesh.prometheusUrl}
Kanari's log: ${kanari.logFile}

Ctrl-C ends it.`);

// Held open by the kubelet's watch; a second Ctrl-C is left to the default, for when stopping hangs.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    console.log('\nstopping');
    lab.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
}
