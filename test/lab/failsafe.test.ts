import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIRST_START_MS } from '../../lab/lab.ts';
import { annotationsOf, type Deployment, type KubeObject, type StringMap } from '../../src/core/objects.ts';
import { CASES, type Case, MARKS } from './failsafe-cases.ts';
import { STATES, type State, settingsOf } from './failsafe-states.ts';
import { eventually, type Shop, startWorld, type World, web } from './shop.ts';

// The failsafe on the real API server, case by case: what it does alone, and that it changes nothing where the webhook
// answers. Requests are dry runs, so that one Deployment serves many of them, three times over.

interface Answer {
  code: number | null;
  /** What would be stored, without bookkeeping; undefined when refused. */
  stored: Pick<Deployment['metadata'], 'labels' | 'annotations'> & Pick<Deployment, 'spec'>;
  /** Warnings and errors as the person sees them. */
  words: string;
}
type Answers = Record<string, Answer>;

interface Webhook {
  name: string;
  failurePolicy: string;
}

let world: World;
const shops: Record<string, Shop> = {};
/** As stored before the requests. */
const stored: Record<string, Deployment> = {};
let together: Answers;
let alone: Answers;
let withoutFailsafe: Answers;

const ask = async ({ state, request, byKanari }: Case): Promise<Answer> => {
  const user = byKanari === true ? ['--kubeconfig', world.lab.kanariKubeconfig] : [];
  const args = [...request.args, '--dry-run=server', '-o', 'json', ...user];
  const { code, stdout, stderr } = await (shops[state] ?? expect.fail(state)).tryKubectl(
    args,
    request.manifest,
  );
  const { metadata, spec } = JSON.parse(stdout === '' ? '{"metadata":{}}' : stdout) as Deployment;
  return {
    code,
    stored: { labels: metadata.labels ?? {}, annotations: annotationsOf({ metadata }), spec },
    words: stderr,
  };
};

const askAll = async (): Promise<Answers> => {
  const answers: Answers = {};
  for (const [name, one] of Object.entries(CASES)) answers[name] = await ask(one);
  return answers;
};

const heldBackBy = async (shop: Shop): Promise<string | undefined> => {
  const { stdout } = await shop.apply(web('probe'), '--dry-run=server', '-o', 'json');
  return annotationsOf(JSON.parse(stdout) as Deployment)['kanari.dev/held-by'];
};

/** Waits until admission of an ordinary change is done by the webhook, by the failsafe, or by nobody. */
const admittedBy = (who: 'webhook' | 'failsafe' | undefined) =>
  eventually(async () => expect(await heldBackBy(shops['serving'] ?? expect.fail())).toBe(who));

/** An object that keeps the garbage collector from taking what it owns. */
const ownBySomething = async (shop: Shop): Promise<void> => {
  const config: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'operator' } };
  const path = `/api/v1/namespaces/${shop.namespace}/configmaps`;
  const { metadata } = await world.lab.api.request<KubeObject>('POST', path, config);
  const owner = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    name: 'operator',
    uid: metadata.uid,
    controller: true,
  };
  const body = JSON.stringify({ metadata: { ownerReferences: [owner] } });
  await shop.kubectl(['patch', 'deployment/web', '--type=merge', '-p', body]);
};

/** As the Deployment controller leaves it at a rollout that got stuck. */
const missDeadline = ({ namespace }: Shop): Promise<unknown> =>
  world.lab.api.request(
    'PATCH',
    `/apis/apps/v1/namespaces/${namespace}/deployments/web/status`,
    {
      status: {
        conditions: [
          { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message: 'stuck' },
        ],
      },
    },
    'application/strategic-merge-patch+json',
  );

/** Resolves once Kanari has heard of the labels. */
const labelNamespace = async (shop: Shop, labels: StringMap): Promise<void> => {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  await world.lab.kubectl(['label', 'namespace', shop.namespace, ...pairs]);
  await eventually(async () => {
    const { stdout } = await shop.apply(web('v1'), '--dry-run=server', '-o', 'json');
    expect(stdout).toContain('sidecar.istio.io/inject');
  });
};

const open = async (name: string, state: State): Promise<void> => {
  const shop = await world.openShop(name, {
    optedIn: state.optedIn ?? true,
    annotations: settingsOf(state),
  });
  shops[name] = shop;
  if (state.labels !== undefined) await labelNamespace(shop, state.labels);
  const first = state.first?.() ?? web('v1');
  await (state.unsettled === true ? shop.apply(first) : shop.opens(first));
  await state.then?.(shop);
  if (name === 'operator-owned') await ownBySomething(shop);
  // Its mark on the Deployment included, which follows the status.
  if (state.weight !== undefined) await shop.standsAt(state.weight);
  await eventually(async () => {
    const { metadata, status } = await shop.deployment();
    expect(status?.observedGeneration).toBe(metadata.generation);
    if (name === 'mid-rollout') expect(status?.replicas).toBe(3);
  });
  if (name === 'missed-deadline') await missDeadline(shop);
};

beforeAll(async () => {
  world = await startWorld({ failsafe: true });
  await Promise.all(Object.entries(STATES).map(([name, state]) => open(name, state)));
  for (const name of Object.keys(STATES)) stored[name] = await (shops[name] ?? expect.fail()).deployment();
  stored['web-canary'] = await (shops['held'] ?? expect.fail()).deployment('web-canary');

  together = await askAll();
  await world.kanari.kill();
  await admittedBy('failsafe');
  alone = await askAll();
  await world.lab.kubectl(['delete', 'mutatingadmissionpolicybinding', 'kanari-failsafe']);
  await admittedBy(undefined);
  await world.kanari.start();
  await admittedBy('webhook');
  withoutFailsafe = await askAll();
}, FIRST_START_MS);
afterAll(() => world?.stop());

const pick = (map: StringMap, keys: readonly string[]): StringMap =>
  Object.fromEntries(Object.entries(map).filter(([key]) => keys.includes(key)));

describe('while no webhook answers, the failsafe alone decides on', () => {
  it.for(Object.entries(CASES))('%s', ([name, { state, of, alone: expected }]) => {
    const before = stored[of ?? state] ?? expect.fail();
    const answer = alone[name] ?? expect.fail();
    expect(answer).toMatchObject({ code: 0 });
    const { spec, annotations = {} } = answer.stored;
    const marks = { ...pick(annotationsOf(before), expected.marks) };
    if (expected.heldBy !== undefined) marks['kanari.dev/held-by'] = expected.heldBy;
    expect({ paused: spec.paused ?? false, marks: pick(annotations, MARKS) }).toEqual({
      paused: expected.paused,
      marks,
    });
    const { metadata } = spec.template;
    if (expected.sameTemplate === true) expect(spec.template).toEqual(before.spec.template);
    expect(metadata?.labels).toMatchObject(expected.podLabels ?? {});
    expect(metadata?.annotations ?? {}).toMatchObject(expected.podAnnotations ?? {});
    if (expected.without !== undefined) {
      expect({ ...metadata?.labels, ...metadata?.annotations }).not.toHaveProperty([expected.without]);
    }
    if (expected.warning === undefined) expect(answer.words).toBe('');
    else expect(answer.words).toContain(`kanari does not answer: ${expected.warning}`);
  });
});

describe('where the webhook answers, the failsafe changes nothing about', () => {
  it.for(Object.keys(CASES))('%s', (name) => {
    expect(together[name]).toEqual(withoutFailsafe[name]);
    expect(together[name]?.words).not.toContain('does not answer');
  });
});

it('comes with a webhook whose answer nobody insists on', async () => {
  const configuration = await world.lab.api.request<KubeObject & { webhooks: Webhook[] }>(
    'GET',
    '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/zz-kanari',
  );
  expect(configuration.webhooks.map(({ name, failurePolicy }) => [name, failurePolicy])).toEqual([
    ['deployments.kanari.dev', 'Ignore'],
    ['routes.kanari.dev', 'Ignore'],
  ]);
});

it('leaves what is in the API server as it was: all of these were dry runs', async () => {
  for (const [name, before] of Object.entries(stored)) {
    const shop = shops[name] ?? shops['held'] ?? expect.fail();
    const after = await shop.deployment(name === 'web-canary' ? 'web-canary' : 'web');
    expect(after.spec, name).toEqual(before.spec);
    expect(after.metadata.generation, name).toBe(before.metadata.generation);
  }
});
