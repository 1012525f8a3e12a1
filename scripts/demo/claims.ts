import type { Failure, PhaseCounts } from '../../lab/load.ts';

// What the demonstration claims, judged by what was seen.

export interface Claim {
  text: string;
  holds: boolean;
  /** What was seen, where the claim is broken. */
  details: readonly string[];
}

/** How a release ended. */
export interface Outcome {
  /** Of its Canary. */
  phase: string;
  message: string;
  /** Of `kubectl rollout status`. */
  rolloutStatusCode: number;
  /** Images that pods of the primary ran afterwards. */
  images: readonly string[];
}

/** The primary's pods, by name and uid, before and after something that must restart none. */
export interface PodSets {
  before: readonly string[];
  after: readonly string[];
}

export interface Seen {
  adoption: PodSets;
  good: Outcome;
  bad: Outcome;
  reapplied: PodSets & { rolloutStatusCode: number };
  failures: readonly Failure[];
  /** All failed requests: more than `failures` lists when there were many. */
  failed: number;
  /** Of the phase in which the bad version was released. */
  badPhase: PhaseCounts | undefined;
}

export interface Versions {
  good: string;
  bad: string;
  /** Highest share of requests, in percent, that the bad version may have had. */
  badShare: number;
}

export const judgeClaims = (seen: Seen, versions: Versions): Claim[] => [
  samePods('Opting in restarted no pod, nor did the hold of the first release.', seen.adoption),
  promoted(seen.good, versions.good),
  rolledBack(seen.bad, versions.bad, versions.good),
  reapplied(seen.reapplied, versions.good),
  onlyOwnFailures(seen, versions.bad),
  shareKept(seen.badPhase, versions),
];

const claim = (text: string, broken: readonly (string | false)[]): Claim => {
  const details = broken.filter((detail) => detail !== false);
  return { text, holds: details.length === 0, details };
};

const samePods = (text: string, { before, after }: PodSets): Claim => {
  const same = before.length > 0 && before.join() === after.join();
  return claim(text, [!same && `pods before: ${before.join(', ')}; after: ${after.join(', ')}`]);
};

const onlyImage = (images: readonly string[], version: string): boolean =>
  images.length > 0 && images.every((image) => image.endsWith(`:${version}`));

const endDetails = (
  { phase, message, rolloutStatusCode, images }: Outcome,
  wanted: { phase: string; code: number; version: string },
) => [
  phase !== wanted.phase && `its Canary says ${phase}: ${message}`,
  rolloutStatusCode !== wanted.code && `kubectl rollout status exited with ${rolloutStatusCode}`,
  !onlyImage(images, wanted.version) && `its pods run ${images.join(', ')}`,
];

const promoted = (outcome: Outcome, version: string): Claim =>
  claim(
    `${version} was promoted: kubectl rollout status exited with 0, and every pod runs it.`,
    endDetails(outcome, { phase: 'Succeeded', code: 0, version }),
  );

const rolledBack = (outcome: Outcome, version: string, serving: string): Claim =>
  claim(
    `${version} was rolled back: kubectl rollout status exited with 1, and every pod runs ${serving}.`,
    endDetails(outcome, { phase: 'Failed', code: 1, version: serving }),
  );

const reapplied = ({ rolloutStatusCode, ...pods }: Seen['reapplied'], version: string): Claim => {
  const restarts = samePods('', pods);
  return claim(`Applying ${version} again restarted no pod, and kubectl rollout status exited with 0.`, [
    ...restarts.details,
    rolloutStatusCode !== 0 && `kubectl rollout status exited with ${rolloutStatusCode}`,
  ]);
};

const SHOWN_FAILURES = 10;

const onlyOwnFailures = ({ failures, failed }: Seen, bad: string): Claim => {
  const foreign = failures.filter(({ status, version }) => version !== bad || status !== 500);
  const hidden = failed - failures.length;
  return claim(`No request failed except those that ${bad} itself answered with a 500.`, [
    ...foreign.slice(0, SHOWN_FAILURES).map(describeFailure),
    foreign.length > SHOWN_FAILURES && `… ${foreign.length} such failures in all`,
    hidden > 0 && `${hidden} more failures were not kept, so nobody knows whose they are`,
  ]);
};

const describeFailure = ({ at, phase, status, version, pod, error, durationMs }: Failure): string =>
  `${new Date(at).toISOString()} in phase ${phase}: ${status ?? 'no answer'} from ${pod ?? version ?? 'no pod'}` +
  ` after ${durationMs} ms${error === undefined ? '' : ` (${error})`}`;

const shareKept = (phase: PhaseCounts | undefined, { bad, badShare }: Versions): Claim => {
  const mine = phase?.versions[bad]?.requests ?? 0;
  const all = phase?.requests ?? 0;
  const kept = mine > 0 && mine <= (all * badShare) / 100;
  return claim(`${bad} never had more than its share of the requests, ${badShare} %.`, [
    !kept && `it had ${mine} of ${all}`,
  ]);
};
