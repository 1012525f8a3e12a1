import { startKanari } from '../lab/kanari.ts';
import { type Lab, startLab } from '../lab/lab.ts';
import { ROLLOUTS_LABEL } from '../src/core/marks.ts';
import type { Deployment } from '../src/core/objects.ts';
import { ascending, quantile } from './quantile.ts';
import { manifest, NAMESPACE, SIZES } from './shop.ts';
import { printTable } from './table.ts';

// What a client of the API server waits longer because of Kanari: the same server-side apply in a namespace that is
// opted in and in one that is not, in turns. As dry runs, which pass all of admission, so that each one is a new hold.

const ROUNDS = 8;
const PER_ROUND = 100;
const APPLY = 'application/apply-patch+yaml';

const SIDES = ['without', 'with'] as const;
type Side = (typeof SIDES)[number];

const labelsOf = (side: Side) => ({
  'istio-injection': 'enabled',
  ...(side === 'with' ? { [ROLLOUTS_LABEL]: 'enabled' } : {}),
});

const pathIn = (side: Side, query: string): string =>
  `/apis/apps/v1/namespaces/${side}/deployments/web?fieldManager=bench&force=true${query}`;

interface Change {
  name: string;
  /** The manifest applied over `manifest('v1', bytes)`. */
  applied: (bytes: number) => Deployment;
  /** Whether it is held where the namespace is opted in. */
  held: boolean;
}

const CHANGES: readonly Change[] = [
  { name: 'new template', applied: (bytes) => manifest('v2', bytes), held: true },
  {
    name: 'other change',
    applied: (bytes) => {
      const { metadata, ...rest } = manifest('v1', bytes);
      return { ...rest, metadata: { ...metadata, annotations: { 'example.com/note': 'changed' } } };
    },
    held: false,
  },
];

const inNamespace = ({ metadata, ...rest }: Deployment, namespace: Side): Deployment => ({
  ...rest,
  metadata: { ...metadata, namespace },
});

const applyIn = (lab: Lab, side: Side, applied: Deployment, query = ''): Promise<Deployment> =>
  lab.api.request<Deployment>('PATCH', pathIn(side, query), inNamespace(applied, side), APPLY);

/** Applies v1 in both namespaces and waits until all of it serves: only a primary that serves is held. */
const settle = async (lab: Lab, bytes: number): Promise<void> => {
  for (const side of SIDES) {
    await lab.kubectl(['delete', 'deployment', '-n', side, 'web', '--ignore-not-found', '--wait']);
    await applyIn(lab, side, manifest('v1', bytes));
    await lab.kubectl(['rollout', 'status', '-n', side, 'deployment/web', '--timeout=120s']);
  }
};

/** Milliseconds of `count` dry runs, `concurrent` at a time. */
const leg = async (
  { lab, side, applied }: { lab: Lab; side: Side; applied: Deployment },
  count: number,
  concurrent: number,
): Promise<number[]> => {
  const latencies: number[] = [];
  let left = count;
  const client = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const start = performance.now();
      await applyIn(lab, side, applied, '&dryRun=All');
      latencies.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: concurrent }, client));
  return latencies;
};

const assertHeld = async (lab: Lab, { applied, held, name }: Change, bytes: number): Promise<void> => {
  for (const side of SIDES) {
    const { spec } = await applyIn(lab, side, applied(bytes), '&dryRun=All');
    const expected = held && side === 'with';
    if ((spec.paused ?? false) !== expected)
      throw new Error(`${name} ${side} Kanari: paused is not ${expected}`);
  }
};

const compare = async (
  lab: Lab,
  change: Change,
  { bytes, concurrent }: { bytes: number; concurrent: number },
): Promise<string[]> => {
  await assertHeld(lab, change, bytes);
  const applied = change.applied(bytes);
  for (const side of SIDES) await leg({ lab, side, applied }, PER_ROUND, concurrent);
  const latencies: Record<Side, number[]> = { without: [], with: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const side of SIDES) {
      latencies[side].push(...(await leg({ lab, side, applied }, PER_ROUND, concurrent)));
    }
  }
  return [0.5, 0.99].flatMap((q) => {
    const [without = Number.NaN, withKanari = Number.NaN] = SIDES.map((side) =>
      quantile(ascending(latencies[side]), q),
    );
    return [without, withKanari, withKanari - without].map((value) => `${value.toFixed(1)} ms`);
  });
};

/** Prints the time of a server-side apply without and with Kanari, and the difference. */
export const benchmarkApiServer = async (): Promise<void> => {
  console.log('\na server-side apply through the API server, without and with Kanari in turns');
  const lab = await startLab();
  try {
    await startKanari(lab);
    for (const name of SIDES) {
      await lab.api.request('POST', '/api/v1/namespaces', {
        ...NAMESPACE,
        metadata: { name, labels: labelsOf(name) },
      });
    }
    const rows: string[][] = [];
    for (const [size, bytes] of Object.entries(SIZES)) {
      await settle(lab, bytes);
      for (const change of CHANGES) {
        for (const concurrent of [1, 10]) {
          const figures = await compare(lab, change, { bytes, concurrent });
          rows.push([`${change.name}, ${size}, ${concurrent} at a time`, ...figures]);
        }
      }
    }
    const quantiles = ['p50', 'p99'].flatMap((q) => [`${q} without`, `${q} with`, 'added']);
    printTable(['', ...quantiles], rows);
  } finally {
    await lab.stop();
  }
};
