import { startKanari } from '../lab/kanari.ts';
import { type Lab, startLab } from '../lab/lab.ts';
import { ROLLOUTS_LABEL } from '../src/core/marks.ts';
import type { Deployment } from '../src/core/objects.ts';
import { ascending, quantile } from './quantile.ts';
import { manifest, NAMESPACE, SIZES } from './shop.ts';
import { startTable } from './table.ts';

// What a client of the API server waits longer because of Kanari: the same patch, as `kubectl apply` would send it, in a
// namespace that is opted in and in one that is not, in turns. As dry runs, which pass all of admission and are not
// stored: so each one is a new hold, and no canary starts.

const ROUNDS = 6;
const PER_ROUND = 80;
const STRATEGIC_MERGE = 'application/strategic-merge-patch+json';

const SIDES = ['without', 'with'] as const;
type Side = (typeof SIDES)[number];

const labelsOf = (side: Side) => ({
  'istio-injection': 'enabled',
  ...(side === 'with' ? { [ROLLOUTS_LABEL]: 'enabled' } : {}),
});

const deploymentsIn = (side: Side): string => `/apis/apps/v1/namespaces/${side}/deployments`;

interface Change {
  name: string;
  patch: object;
  /** Whether it is held where the namespace is opted in. */
  held: boolean;
}

const CHANGES: readonly Change[] = [
  {
    name: 'new template',
    patch: { spec: { template: { spec: { containers: [{ name: 'web', image: 'web:v2' }] } } } },
    held: true,
  },
  { name: 'other change', patch: { metadata: { labels: { team: 'web' } } }, held: false },
];

const dryRun = (lab: Lab, side: Side, patch: object): Promise<Deployment> =>
  lab.api.request<Deployment>('PATCH', `${deploymentsIn(side)}/web?dryRun=All`, patch, STRATEGIC_MERGE);

/** Makes v1 in both namespaces and waits until all of it serves: only a primary that serves is held. */
const settle = async (lab: Lab, bytes: number): Promise<void> => {
  for (const side of SIDES) {
    await lab.kubectl(['delete', 'deployment', '-n', side, 'web', '--ignore-not-found', '--wait']);
    const { metadata, ...rest } = manifest('v1', bytes);
    await lab.api.request('POST', deploymentsIn(side), {
      ...rest,
      metadata: { ...metadata, namespace: side },
    });
    await lab.kubectl(['rollout', 'status', '-n', side, 'deployment/web', '--timeout=120s']);
  }
};

interface Leg {
  lab: Lab;
  side: Side;
  patch: object;
  /** Requests under way at a time. */
  concurrent: number;
}

/** Milliseconds of each of a round's dry runs. */
const measureLeg = async ({ lab, side, patch, concurrent }: Leg): Promise<number[]> => {
  const latencies: number[] = [];
  let left = PER_ROUND;
  const client = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const start = performance.now();
      await dryRun(lab, side, patch);
      latencies.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: concurrent }, client));
  return latencies;
};

const assertHeld = async (lab: Lab, { patch, held, name }: Change): Promise<void> => {
  for (const side of SIDES) {
    const { spec } = await dryRun(lab, side, patch);
    const expected = held && side === 'with';
    if ((spec.paused ?? false) !== expected)
      throw new Error(`${name} ${side} Kanari: paused is not ${expected}`);
  }
};

const compare = async (lab: Lab, change: Change, concurrent: number): Promise<string[]> => {
  await assertHeld(lab, change);
  const { patch } = change;
  for (const side of SIDES) await measureLeg({ lab, side, patch, concurrent });
  const latencies: Record<Side, number[]> = { without: [], with: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const side of SIDES) latencies[side].push(...(await measureLeg({ lab, side, patch, concurrent })));
  }
  return [0.5, 0.99].flatMap((q) => {
    const [without = Number.NaN, withKanari = Number.NaN] = SIDES.map((side) =>
      quantile(ascending(latencies[side]), q),
    );
    return [without, withKanari, withKanari - without].map((value) => `${value.toFixed(1)} ms`);
  });
};

const CASES = Object.keys(SIZES).flatMap((size) =>
  CHANGES.flatMap((change) =>
    [1, 10].map((concurrent) => ({
      name: `${change.name}, ${size}, ${concurrent} at a time`,
      size,
      change,
      concurrent,
    })),
  ),
);

/** Prints the time of a patch without and with Kanari, and the difference. */
export const benchmarkApiServer = async (): Promise<void> => {
  console.log('\na patch of a Deployment through the API server, without and with Kanari in turns');
  const lab = await startLab();
  try {
    await startKanari(lab);
    for (const name of SIDES) {
      await lab.api.request('POST', '/api/v1/namespaces', {
        ...NAMESPACE,
        metadata: { name, labels: labelsOf(name) },
      });
    }
    const quantiles = ['p50', 'p99'].flatMap((q) => [`${q} without`, `${q} with`, 'added']);
    const table = startTable(
      quantiles,
      CASES.map(({ name }) => name),
    );
    for (const [size, bytes] of Object.entries(SIZES)) {
      await settle(lab, bytes);
      for (const { name, change, concurrent } of CASES.filter((one) => one.size === size)) {
        table.add([name, ...(await compare(lab, change, concurrent))]);
      }
    }
  } finally {
    await lab.stop();
  }
};
