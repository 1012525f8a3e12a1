import { formatDuration } from './duration.ts';
import type { Settings } from './release-settings.ts';

/** How a canary will go forward, in a few words: `10% → 50% in steps of 10%, every 1m`. */
export const paceOf = (settings: Settings): string => {
  const { mirror, iterations, intervalMs, policyProblem } = settings;
  if (policyProblem !== undefined) return 'it waits for its CanaryPolicy';
  const first = mirror === undefined ? '' : `a copy of ${mirror}% of the requests, then `;
  if (iterations === undefined) return first + stepsOf(settings);
  const { checks, match } = iterations;
  const often = `${checks} ${checks === 1 ? 'check' : 'checks'}`;
  const every = `every ${formatDuration(intervalMs)}`;
  if (match !== undefined) return `${first}${often} of requests that match, ${every}`;
  const live = mirror === undefined ? 'without live traffic' : `of a copy of ${mirror}% of the requests`;
  return `${often} ${live}, ${every}`;
};

const stepsOf = ({ steps, intervalMs }: Settings): string => {
  const [first = 100] = steps;
  const last = steps.at(-1) ?? first;
  const every = `every ${formatDuration(intervalMs)}`;
  if (steps.length === 1) return `${first}% for ${formatDuration(intervalMs)}`;
  const rise = (steps[1] ?? last) - first;
  const even = steps.every((step, index) => step === first + index * rise);
  return `${first}% → ${last}% in ${even ? `steps of ${rise}%` : `${steps.length} steps`}, ${every}`;
};
