import type { CallRecord, CallRequest } from '../calls.ts';
import type { Effect } from '../effects.ts';
import type { Run } from '../run.ts';
import type { RunContext } from './move.ts';

// A call whose outcome counts, from the first look that wants it to its answer. What has become of it is in the run, so
// that a restart repeats no call that has been answered; one whose answer was lost is made again.

export interface Asked {
  record: CallRecord;
  /** With the record. */
  run: Run;
  /** Makes the call. */
  effects: Effect[];
}

export const withRecord = (run: Run, record: CallRecord): Run => {
  const calls = run.calls ?? [];
  const known = calls.some(({ id }) => id === record.id);
  return {
    ...run,
    calls: known ? calls.map((each) => (each.id === record.id ? record : each)) : [...calls, record],
  };
};

const isDue = ({ state, againAt }: CallRecord, now: Date): boolean =>
  state === 'failed' && againAt !== undefined && Date.parse(againAt) <= now.getTime();

const again = ({ againAt: _, ...record }: CallRecord): CallRecord => ({
  ...record,
  state: 'under-way',
  attempt: record.attempt + 1,
});

/** The call as it stands: begun now, or again where that is due, or as it was. */
export const asked = ({ run, now }: RunContext, id: string, request: CallRequest): Asked => {
  const known = run.calls?.find((record) => record.id === id);
  const first: CallRecord = { id, state: 'under-way', since: now.toISOString(), attempt: 1 };
  const record = known === undefined ? first : isDue(known, now) ? again(known) : known;
  if (record.state !== 'under-way') return { record, run, effects: [] };
  const { attempt } = record;
  return {
    record,
    run: record === known ? run : withRecord(run, record),
    // Asked for at each look until it is answered: after a restart nobody makes it any more.
    effects: [{ kind: 'call', call: { runId: run.id, id, attempt, request } }],
  };
};

/** The failure has had its effect, and the call is made again after so many milliseconds. */
export const askedAgain = ({ run, now }: RunContext, record: CallRecord, afterMs: number): Run =>
  withRecord(run, { ...record, againAt: new Date(now.getTime() + afterMs).toISOString() });

/** Milliseconds until a failed call is made again. */
export const leftUntilAgain = ({ againAt }: CallRecord, now: Date): number =>
  againAt === undefined ? 0 : Math.max(0, Date.parse(againAt) - now.getTime());
