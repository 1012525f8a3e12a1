import { afterEach, describe, expect, it } from 'vitest';
import { createMetricClient } from '../../src/analysis/metric-client.ts';
import type { MetricTarget } from '../../src/analysis/metric-provider.ts';
import { createPrometheusProvider } from '../../src/analysis/prometheus.ts';
import { QUERY_SETS } from '../../src/integrations/schema.ts';
import { createEvidencePoller } from '../../src/scheduler/evidence-poller.ts';
import { NO_SERIES, type ScriptedServer, serverAt, startScripted } from '../analysis/scripted-server.ts';
import { PATIENCE } from '../eventually.ts';

const LOOKS = 5;

let server: ScriptedServer | undefined;
afterEach(() => server?.stop());

const runs = (count: number): MetricTarget[] =>
  Array.from({ length: count }, (_, n) => {
    const name = `web-${n}`.padEnd(56, 'x');
    return {
      key: `${name}/${name}` as const,
      workload: `${name}-canary`,
      canaryServices: [`${name}-canary`],
      primary: { workload: name, services: [name] },
      latency: { quantile: 0.99, limitMs: 500 },
    };
  });

/** So many looks of a poller. */
const looksAt = async (targets: MetricTarget[]) => {
  const sizes: number[] = [];
  server = await startScripted(({ headers }, response) => {
    sizes.push(Number(headers['content-length']));
    response.end(NO_SERIES);
  });
  const stop = new AbortController();
  const read: string[] = [];
  let looks = 0;
  const client = createMetricClient(serverAt(`http://127.0.0.1:${server.port}`), {
    timeoutMs: PATIENCE.timeout,
    log: { warn: () => undefined },
  });
  const poller = createEvidencePoller({
    provider: createPrometheusProvider({ client, querySets: QUERY_SETS }),
    targets: () => targets,
    onReading: (key) => read.push(key),
    intervalMs: 2_000,
    sleep: () => {
      looks += 1;
      if (looks === LOOKS) stop.abort();
      return Promise.resolve();
    },
  });
  await poller.run(stop.signal);
  return { asked: server.asked, sizes, read, poller };
};

describe('looking at the metrics server again and again', () => {
  it('takes as many queries for 500 runs at once as for 5, each of them small enough to be sent', async () => {
    const few = await looksAt(runs(5));
    await server?.stop();
    const many = await looksAt(runs(500));
    expect([few.asked.length, many.asked.length]).toEqual([
      LOOKS * 2 * QUERY_SETS.length,
      LOOKS * 2 * QUERY_SETS.length,
    ]);
    expect([few.read.length, many.read.length]).toEqual([LOOKS * 5, LOOKS * 500]);
    expect(new Set(many.asked.map(({ method }) => method))).toEqual(new Set(['POST']));
    // What proxies before a metrics server take, unless told otherwise.
    expect(Math.max(...many.sizes)).toBeLessThan(1024 * 1024);
  });

  it('takes no query when nothing runs', async () => {
    const { asked, read } = await looksAt([]);
    expect([asked, read]).toEqual([[], []]);
  });

  it('leaves a reading for each run', async () => {
    const [run] = runs(1);
    const { poller } = await looksAt(run === undefined ? [] : [run]);
    expect(poller.evidenceOf(run?.key ?? 'a/b')).toMatchObject({ kind: 'empty', reason: 'NoSamples' });
    expect(poller.evidenceOf('shop/other')).toMatchObject({ message: 'no sample has been read yet' });
  });
});
