import type { PodCounters } from '../core/counts.ts';
import { proxyCounters } from '../core/evidence.ts';
import { REVISION_ANNOTATION } from '../core/marks.ts';
import { annotationsOf, type Pod } from '../core/objects.ts';
import type { EvidenceReading } from '../core/snapshot.ts';

// Whose counters are evidence about the revision under test: pods of a superseded one linger in the metrics under the
// same workload name.

/** `10.1.2.3:15020`, `[fd00::7]:15020`: who was scraped, where metrics don't say which pod that was. */
const addressIn = (name: string): string | undefined => {
  const [, six, four] = /^(?:\[([0-9a-f:]+)\]|([0-9.]+)):\d+$/.exec(name) ?? [];
  return six ?? four;
};

/**
 * The reading without what is known to be of other revisions. An address that none of the canary's pods has may be of
 * one, too: what it had counted when it was first seen is not the run's, as with a proxy.
 * @param pods the canary's, of all revisions
 */
export const evidenceOfRun = (
  reading: EvidenceReading,
  canaryName: string,
  pods: readonly Pod[],
  revision: string | undefined,
): EvidenceReading => {
  if (reading.kind !== 'samples') return reading;
  const tested = pods.filter((pod) => annotationsOf(pod)[REVISION_ANNOTATION] === revision);
  const names = new Set(tested.map(({ metadata }) => metadata.name));
  const addresses = new Set(tested.map(({ status }) => status?.podIP));
  const counted = reading.pods.flatMap((counters): PodCounters[] => {
    const { pod } = counters;
    const address = addressIn(pod);
    if (address !== undefined)
      return [addresses.has(address) ? counters : { ...counters, pod: proxyCounters(pod) }];
    return names.has(pod) || !pod.includes(`${canaryName}-`) ? [counters] : [];
  });
  return { ...reading, pods: counted };
};
