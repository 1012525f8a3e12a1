import { groupBy } from '../core/group-by.ts';
import type { ObjectKey } from '../core/objects.ts';
import type { EvidenceReading } from '../core/snapshot.ts';
import { GATEWAY } from './gateway-samples.ts';
import { ISTIO } from './istio-samples.ts';
import type { MetricClient } from './metric-client.ts';
import type { MetricProvider, MetricTarget } from './metric-provider.ts';
import { NO_SAMPLES } from './metric-reasons.ts';
import type { Answer, Series } from './prometheus-answer.ts';
import type { QuerySet } from './query-set.ts';
import { readSamples, unavailable } from './samples.ts';

export interface PrometheusOptions {
  client: Pick<MetricClient, 'query'>;
}

const NOTHING: Answer = { ok: true, series: [] };

type Readings = Map<ObjectKey, EvidenceReading>;

/** Every target's reading from the answers to the two queries. */
const readAll = (
  { subjectOf, subjectsOf, dialect }: QuerySet,
  targets: readonly MetricTarget[],
  { requests, latency }: { requests: Answer; latency: Answer },
): Readings => {
  // Once for all, so that each canary's series are found without a search.
  const bySubject = (answer: Answer) => groupBy(answer.ok ? answer.series : [], subjectOf);
  const [counts, buckets] = [bySubject(requests), bySubject(latency)];
  const read = (target: MetricTarget): EvidenceReading => {
    if (!requests.ok) return unavailable(requests);
    if (!latency.ok && target.latency !== 'off') return unavailable(latency);
    const of = (found: Map<string, Series[]>): Series[] =>
      subjectsOf(target).flatMap((subject) => found.get(subject) ?? []);
    return readSamples(target, { requests: of(counts), latency: of(buckets) }, dialect);
  };
  return new Map(targets.map((target) => [target.key, read(target)]));
};

/** A gateway may be Istio's too: its proxies are asked only about what the mesh knows nothing of. */
const withGateways = (mesh: Readings, gateways: Readings): Readings =>
  new Map(
    [...mesh].map(([key, reading]) => {
      const isAbsent = reading.kind === 'empty' && reading.reason === NO_SAMPLES;
      return [key, (isAbsent ? gateways.get(key) : undefined) ?? reading];
    }),
  );

/** Reads the counters of Istio and of gateways from a Prometheus-compatible server. */
export const createPrometheusProvider = ({ client }: PrometheusOptions): MetricProvider => {
  const readBy = async (set: QuerySet, targets: readonly MetricTarget[], signal: AbortSignal) => {
    if (targets.length === 0) return new Map<ObjectKey, EvidenceReading>();
    const timed = targets.filter(({ latency }) => latency !== 'off');
    const [requests, latency] = await Promise.all([
      client.query(set.requestsQuery(targets), signal),
      timed.length > 0 ? client.query(set.latencyQuery(timed), signal) : NOTHING,
    ]);
    return readAll(set, targets, { requests, latency });
  };
  return {
    read: async (targets, signal) => {
      const routed = targets.filter(({ canaryServices }) => canaryServices.length > 0);
      const [mesh, gateways] = await Promise.all([
        readBy(ISTIO, targets, signal),
        readBy(GATEWAY, routed, signal),
      ]);
      return withGateways(mesh, gateways);
    },
  };
};
