import type { ObjectKey } from '../core/objects.ts';
import type { EvidenceReading } from '../core/snapshot.ts';
import type { QuerySetName } from '../integrations/schema.ts';
import { ENVOY } from './gateway-samples.ts';
import { ISTIO } from './istio-samples.ts';
import { LINKERD } from './linkerd.ts';
import type { MetricClient } from './metric-client.ts';
import type { MetricProvider, MetricTarget } from './metric-provider.ts';
import { NO_SAMPLES } from './metric-reasons.ts';
import { NGINX } from './nginx.ts';
import { type Answer, type Series, vectorOnly } from './prometheus-answer.ts';
import { canarySide, primarySide, type QuerySet, type Side, sidesOf } from './query-set.ts';
import { readSamples, unavailable } from './samples.ts';
import { TRAEFIK } from './traefik.ts';

const SETS: Record<QuerySetName, QuerySet> = {
  istio: ISTIO,
  linkerd: LINKERD,
  envoy: ENVOY,
  traefik: TRAEFIK,
  nginx: NGINX,
};

export interface PrometheusOptions {
  client: Pick<MetricClient, 'query'>;
  /** Data planes to ask about. */
  querySets: readonly QuerySetName[];
}

const NOTHING: Answer = { ok: true, series: [] };

/** The queries of a data plane, and the name by which a run knows whose evidence it has. */
interface Named {
  name: string;
  set: QuerySet;
}

type Readings = Map<ObjectKey, EvidenceReading>;

/** Once for all, so that each canary's series are found without a search. */
const bySubject = (answer: Answer, { subjectsIn }: QuerySet) => {
  const found = new Map<string, Series[]>();
  for (const series of answer.ok ? answer.series : []) {
    for (const subject of subjectsIn(series)) {
      const of = found.get(subject);
      if (of === undefined) found.set(subject, [series]);
      else of.push(series);
    }
  }
  return found;
};

/** Every target's reading from the answers to the two queries. */
const readAll = (
  { name, set }: Named,
  targets: readonly MetricTarget[],
  { requests, latency }: { requests: Answer; latency: Answer },
): Readings => {
  const [counts, buckets] = [bySubject(requests, set), bySubject(latency, set)];
  const seriesOf = (side: Side) => {
    const of = (found: Map<string, Series[]>): Series[] =>
      set.subjectsOf(side).flatMap((subject) => found.get(subject) ?? []);
    return { requests: of(counts), latency: of(buckets) };
  };
  const read = (target: MetricTarget): EvidenceReading => {
    if (!requests.ok) return unavailable(requests);
    if (!latency.ok && target.latency !== 'off') return unavailable(latency);
    const primary = primarySide(target);
    const canary = seriesOf(canarySide(target));
    const series = primary === undefined ? { canary } : { canary, primary: seriesOf(primary) };
    const reading = readSamples(target, series, set.dialect);
    return reading.kind === 'samples' ? { ...reading, source: name } : reading;
  };
  return new Map(targets.map((target) => [target.key, read(target)]));
};

const isAbsent = (reading: EvidenceReading | undefined): boolean =>
  reading === undefined || (reading.kind === 'empty' && reading.reason === NO_SAMPLES);

/**
 * What first knows anything of a canary, and then no other, so that no request counts twice: a gateway may be a mesh's,
 * too, and may be scraped before the pods are.
 */
const firstKnown = (
  { key, source }: MetricTarget,
  all: readonly { name: string; found: Readings }[],
): EvidenceReading | undefined => {
  const asked = all.filter(({ name }) => source === undefined || name === source);
  const readings = asked.map(({ found }) => found.get(key));
  return readings.find((reading) => !isAbsent(reading)) ?? readings.find((reading) => reading !== undefined);
};

/** Reads the counters of data planes from a Prometheus-compatible server. */
export const createPrometheusProvider = ({ client, querySets }: PrometheusOptions): MetricProvider => {
  // In the order of the table: the pods' own word comes first.
  const sets = Object.entries(SETS).flatMap(([name, set]) =>
    querySets.some((asked) => asked === name) ? [{ name, set }] : [],
  );
  const readBy = async ({ name, set }: Named, all: readonly MetricTarget[], signal: AbortSignal) => {
    const targets =
      set.counts === 'pods' ? all : all.filter(({ canaryServices }) => canaryServices.length > 0);
    if (targets.length === 0) return new Map<ObjectKey, EvidenceReading>();
    const timed = targets.filter(({ latency }) => latency !== 'off');
    const ask = async (query: string): Promise<Answer> => vectorOnly(await client.query(query, signal));
    const [requests, latency] = await Promise.all([
      ask(set.requestsQuery(targets.flatMap(sidesOf))),
      timed.length > 0 ? ask(set.latencyQuery(timed.flatMap(sidesOf))) : NOTHING,
    ]);
    return readAll({ name, set }, targets, { requests, latency });
  };
  const unknown: EvidenceReading = {
    kind: 'empty',
    reason: NO_SAMPLES,
    message: `no samples: ${querySets.join(', ')} count by Service, and it has none of its own`,
  };
  return {
    read: async (targets, signal) => {
      const all = await Promise.all(
        sets.map(async (of) => ({ name: of.name, found: await readBy(of, targets, signal) })),
      );
      return new Map(targets.map((target) => [target.key, firstKnown(target, all) ?? unknown]));
    },
  };
};
