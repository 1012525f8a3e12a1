import { startLab } from './lab.ts';

// `npm run lab`: keeps one lab up until Ctrl-C.

const lab = await startLab();
console.log(`The lab is up; logs are in ${lab.dir}. In another terminal:\n`);
console.log(`  export KUBECONFIG=${lab.kubeconfig}\n  kubectl get all -A\n\nCtrl-C ends it.`);

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
