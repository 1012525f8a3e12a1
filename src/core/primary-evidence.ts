import type { Counts, PodCounters, PrimaryEvidence, RelativePath, Trials } from './counts.ts';
import { addCounts, growthOf, NOTHING } from './pod-growth.ts';
import { advanceRelative, newRelativePath, relativeAtVerdict } from './relative-e-process.ts';

// The primary's requests of the time in which the canary is judged.

export const errorTrials = ({ requests, errors }: Counts): Trials => ({ n: requests, x: errors });
export const slowTrials = ({ timed, slow }: Counts): Trials => ({ n: timed, x: slow });

/** They are older than the comparison: what the first look finds is not of its time. */
const OLDER = { baseline: (pod: PodCounters) => pod, remembered: () => true };

/** The first look at the primary: the comparison begins here. */
const begun = (scraped: readonly PodCounters[]): PrimaryEvidence | undefined =>
  scraped.length === 0
    ? undefined
    : {
        pods: [...scraped],
        total: NOTHING,
        judged: NOTHING,
        errors: newRelativePath(),
        slow: newRelativePath(),
      };

/**
 * With what one scrape adds to both sides; `before` itself where that is nothing.
 * @param canary what the canary's counters grew by
 */
export const foldPrimary = (
  before: PrimaryEvidence | undefined,
  scraped: readonly PodCounters[],
  canary: Counts,
): PrimaryEvidence | undefined => {
  if (before === undefined) return begun(scraped);
  const growth = growthOf(before.pods, scraped, OLDER);
  if (growth === undefined && canary === NOTHING) return before;
  const { pods, grown } = growth ?? { pods: before.pods, grown: NOTHING };
  const here = new Set(scraped.map(({ pod }) => pod));
  const look = (path: RelativePath, trialsOf: (counts: Counts) => Trials): RelativePath =>
    advanceRelative(path, { canary: trialsOf(canary), primary: trialsOf(grown) });
  return {
    // One that comes back starts from what it has then: the status must not grow with pods that come and go.
    pods: pods.filter(({ pod }) => here.has(pod)),
    total: addCounts(before.total, grown),
    judged: before.judged,
    errors: look(before.errors, errorTrials),
    slow: look(before.slow, slowTrials),
  };
};

export const primaryJudgedUpToHere = (primary: PrimaryEvidence): PrimaryEvidence => ({
  ...primary,
  judged: primary.total,
  errors: relativeAtVerdict(primary.errors),
  slow: relativeAtVerdict(primary.slow),
});
