import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../lab/command.ts';
import { createAuthority, issueLeaf } from '../src/certs/authority.ts';
import { ascending, quantile } from './quantile.ts';
import { startTable } from './table.ts';
import { assertAgreement } from './webhook/agreement.ts';
import { type Connection, openConnection, post } from './webhook/connection.ts';
import { SCENARIOS, type Scenario } from './webhook/reviews.ts';
import { type ServerProcess, startServer } from './webhook/server-process.ts';

// Reviews over TLS connections that are kept, by Kanari's webhook and by a minimal one in Go, in turns.

const ROUNDS = 5;
const WARM_UP_MS = 2_000;
const LEG_MS = 1_000;
const ALONE = 1;
const CONCURRENT = 10;

interface Contender extends ServerProcess {
  /** One for each of the concurrent clients. */
  connections: Connection[];
}

/** What several legs of one contender and one scenario add up to. */
interface Tally {
  /** Milliseconds, by number of connections. */
  latencies: Record<typeof ALONE | typeof CONCURRENT, number[]>;
  /** Of the concurrent legs. */
  reviews: number;
  cpuSeconds: number;
}

/** Each connection asks again as soon as it is answered. Milliseconds of every review. */
const load = async (
  connections: readonly Connection[],
  request: Buffer,
  durationMs: number,
): Promise<number[]> => {
  const latencies: number[] = [];
  const until = performance.now() + durationMs;
  const client = async (connection: Connection): Promise<void> => {
    for (let start = performance.now(); start < until; start = performance.now()) {
      await connection.ask(request);
      latencies.push(performance.now() - start);
    }
  };
  await Promise.all(connections.map(client));
  return latencies;
};

const measureLeg = async (contender: Contender, request: Buffer, tally: Tally): Promise<void> => {
  const alone = await load(contender.connections.slice(0, ALONE), request, LEG_MS / 2);
  const before = contender.cpuSeconds();
  const concurrent = await load(contender.connections, request, LEG_MS);
  tally.cpuSeconds += contender.cpuSeconds() - before;
  tally.reviews += concurrent.length;
  tally.latencies[ALONE].push(...alone);
  tally.latencies[CONCURRENT].push(...concurrent);
};

const startContenders = async (dir: string): Promise<Contender[]> => {
  const authority = await createAuthority(new Date());
  const leaf = await issueLeaf(authority, ['127.0.0.1'], new Date());
  const files = [join(dir, 'tls.crt'), join(dir, 'tls.key')] as const;
  writeFileSync(files[0], leaf.cert);
  writeFileSync(files[1], leaf.key, { mode: 0o600 });
  const folder = join(import.meta.dirname, 'webhook');
  const go = join(dir, 'go-webhook');
  const built = await runCommand('go', ['build', '-o', go, '.'], { cwd: join(folder, 'go') });
  if (built.code !== 0) throw new Error(`go build failed: ${built.stderr}`);
  const servers = [
    await startServer('Kanari', process.execPath, ['--import', 'tsx', join(folder, 'kanari.ts'), ...files]),
    await startServer('Go', go, files),
  ];
  const connect = ({ port }: ServerProcess) =>
    Promise.all(Array.from({ length: CONCURRENT }, () => openConnection(port, authority.cert)));
  return Promise.all(servers.map(async (server) => ({ ...server, connections: await connect(server) })));
};

const milliseconds = (latencies: readonly number[], q: number): string =>
  `${quantile(ascending(latencies), q).toFixed(2)} ms`;

const rowOf = (name: string, { latencies, reviews, cpuSeconds }: Tally): string[] => [
  name,
  Math.round(reviews / cpuSeconds).toLocaleString('en'),
  ...([ALONE, CONCURRENT] as const).flatMap((connections) =>
    [0.5, 0.99].map((q) => milliseconds(latencies[connections], q)),
  ),
];

const nameOf = (scenario: Scenario, { name }: ServerProcess): string => `${scenario.name}: ${name}`;

const compare = async (contenders: readonly Contender[], scenario: Scenario): Promise<string[][]> => {
  const request = post('/mutate', scenario.body);
  const answers: Buffer[] = [];
  for (const { connections } of contenders) {
    for (const connection of connections.slice(0, 1)) answers.push(await connection.ask(request));
  }
  assertAgreement(scenario.name, scenario.object, answers);
  for (const { connections } of contenders) await load(connections, request, WARM_UP_MS);
  const tallies = contenders.map(
    (): Tally => ({ latencies: { [ALONE]: [], [CONCURRENT]: [] }, reviews: 0, cpuSeconds: 0 }),
  );
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [index, contender] of contenders.entries()) {
      const tally = tallies[index];
      if (tally !== undefined) await measureLeg(contender, request, tally);
    }
  }
  return contenders.flatMap((contender, index) => {
    const tally = tallies[index];
    return tally === undefined ? [] : [rowOf(nameOf(scenario, contender), tally)];
  });
};

/** Prints reviews per second of one core, and how long one takes at one connection and at ten. */
export const benchmarkWebhook = async (): Promise<void> => {
  console.log('\nreviews over TLS, Kanari and a minimal webhook in Go in turns');
  const dir = mkdtempSync(join(tmpdir(), 'kanari-bench-'));
  try {
    const contenders = await startContenders(dir);
    const names = SCENARIOS.flatMap((scenario) => contenders.map((contender) => nameOf(scenario, contender)));
    const table = startTable(['reviews/s/core', 'p50 alone', 'p99 alone', 'p50 of 10', 'p99 of 10'], names);
    for (const scenario of SCENARIOS) {
      for (const row of await compare(contenders, scenario)) table.add(row);
    }
    for (const contender of contenders) {
      for (const connection of contender.connections) connection.close();
      await contender.stop();
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
};
