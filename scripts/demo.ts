import { get } from 'node:http';
import { parseArgs } from 'node:util';
import { ensureBinaries } from '../lab/binaries.ts';
import { type Kanari, startKanari } from '../lab/kanari.ts';
import { type Lab, startLab } from '../lab/lab.ts';
import { startLoad } from '../lab/load.ts';
import { startMesh } from '../lab/mesh.ts';
import { announceEvents } from './demo/announcements.ts';
import { judgeClaims } from './demo/claims.ts';
import { endingSignal, untilEnded } from './demo/ending.ts';
import { createScreen } from './demo/screen.ts';
import { createShop, NAMESPACE } from './demo/shop.ts';
import { figuresOf, openShop, tellStory, VERSIONS } from './demo/story.ts';
import { claimLines, summaryTable } from './demo/summary.ts';

// A real canary on a real control plane: one good release, one bad, under load. Exit code 0 only when all that is
// claimed held.

const REQUESTS_PER_SECOND = 100;

const { values: flags } = parseArgs({ options: { keep: { type: 'boolean', default: false } } });
const screen = createScreen(process.stdout);

const addresses = (lab: Lab, kanari: Kanari, prometheusUrl: string): string =>
  `
The lab is up. There is no dashboard yet; meanwhile, look at
  Prometheus        ${prometheusUrl}
  Kanari's metrics  ${kanari.operationsUrl}/metrics
  Kanari's log      ${kanari.logFile}
or, in another terminal, with kubectl:
  export KUBECONFIG=${lab.kubeconfig}
  kubectl get canary -n ${NAMESPACE} -w`;

/** Whether every claim held. */
const demonstrate = async (lab: Lab, signal: AbortSignal): Promise<boolean> => {
  const mesh = await startMesh(lab);
  const kanari = await startKanari(lab, { prometheusUrl: mesh.prometheusUrl });
  screen.say(addresses(lab, kanari, mesh.prometheusUrl));
  signal.throwIfAborted();
  const shop = createShop(lab, screen, signal);
  await openShop(shop);
  // Proxies learn of new pods a moment after the Deployment does: the shop is not open before.
  await shop.until('a first answer through the mesh', () => answered(mesh.httpPort));
  const load = startLoad({
    port: mesh.httpPort,
    host: `web.${NAMESPACE}`,
    rps: REQUESTS_PER_SECOND,
    phase: 'v1',
  });
  lab.onStop(async () => void (await load.stop()));
  screen.say(`\n── ${REQUESTS_PER_SECOND} requests per second go through the mesh from here to the end.`);
  await announceEvents(lab, screen, signal);
  const seen = await tellStory({ shop, screen, load }, signal);
  const phases = await load.stop();
  const claims = judgeClaims({ ...seen, ...figuresOf(load) }, VERSIONS);
  screen.say(`\n${summaryTable(phases)}\n\n${claimLines(claims)}`);
  return claims.every(({ holds }) => holds);
};

const answered = (port: number): Promise<true | undefined> =>
  new Promise((resolve) => {
    const ask = get({ host: '127.0.0.1', port, headers: { host: `web.${NAMESPACE}` } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200 ? true : undefined);
    });
    ask.on('error', () => resolve(undefined));
  });

const keepUp = async (lab: Lab, signal: AbortSignal): Promise<void> => {
  screen.say(`\nThe lab stays up until Ctrl-C:\n\n  export KUBECONFIG=${lab.kubeconfig}\n`);
  await untilEnded(signal);
};

const main = async (): Promise<number> => {
  // Before anybody listens to Ctrl-C: a build is ended by it at once.
  await ensureBinaries([
    'etcd',
    'kube-apiserver',
    'kube-controller-manager',
    'kubectl',
    'envoy',
    'prometheus',
  ]);
  const signal = endingSignal();
  screen.say('starting a control plane, a mesh, Prometheus and Kanari …');
  const lab = await startLab();
  try {
    signal.throwIfAborted();
    const held = await demonstrate(lab, signal);
    screen.say(held ? '\nEvery claim held.' : '\nNot every claim held.');
    if (flags.keep) await keepUp(lab, signal);
    return held ? 0 : 1;
  } catch (error) {
    screen.settle();
    if (signal.aborted) return 130;
    console.error(error);
    if (flags.keep) await keepUp(lab, signal);
    return 1;
  } finally {
    await lab.stop();
  }
};

process.exit(await main());
