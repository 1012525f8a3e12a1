import type { AnswerOutcome, Failure, PhaseCounts, Tally } from './load.ts';

// What became of the requests of a load.

export interface LoadBook {
  /** A name used before is continued. */
  begin: (phase: string) => void;
  end(): void;
  current(): string;
  record(phase: string, outcome: AnswerOutcome): void;
  /** Phases in order of their first appearance. */
  counts: () => PhaseCounts[];
  /** The first thousand. */
  failures: () => Failure[];
}

const KEPT_FAILURES = 1000;

export const createLoadBook = (first: string, now: () => number): LoadBook => {
  const phases = new Map<string, { versions: Map<string, Tally>; ms: number }>();
  const failures: Failure[] = [];
  let open: { name: string; since: number } | undefined;
  const end = (): void => {
    const phase = open === undefined ? undefined : phases.get(open.name);
    if (phase !== undefined && open !== undefined) phase.ms += now() - open.since;
    if (open !== undefined) open = undefined;
  };
  let current = first;
  const begin = (name: string): void => {
    end();
    if (!phases.has(name)) phases.set(name, { versions: new Map(), ms: 0 });
    open = { name, since: now() };
    current = name;
  };
  const record = (phase: string, outcome: AnswerOutcome): void => {
    const versions = phases.get(phase)?.versions;
    const version = outcome.version ?? 'none';
    const tally = versions?.get(version) ?? { requests: 0, failures: 0 };
    versions?.set(version, tally);
    tally.requests += 1;
    if (outcome.error === undefined && outcome.status !== undefined && outcome.status < 500) return;
    tally.failures += 1;
    if (failures.length < KEPT_FAILURES) failures.push({ ...outcome, phase });
  };
  const counts = (): PhaseCounts[] =>
    [...phases].map(([phase, { versions, ms }]) => ({
      phase,
      seconds: (ms + (open?.name === phase ? now() - open.since : 0)) / 1000,
      versions: Object.fromEntries([...versions].map(([version, tally]) => [version, { ...tally }])),
      ...sumOf([...versions.values()]),
    }));
  begin(first);
  return { begin, end, record, counts, current: () => current, failures: () => [...failures] };
};

export const sumOf = (tallies: readonly Tally[]): Tally => ({
  requests: tallies.reduce((sum, { requests }) => sum + requests, 0),
  failures: tallies.reduce((sum, { failures }) => sum + failures, 0),
});
