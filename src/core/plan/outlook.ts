import type { CanaryStatus, Outlook } from '../run.ts';
import type { Snapshot } from '../snapshot.ts';

/** What comes next, and when, at the current pace and traffic; undefined where no run is under way. */
export const outlookOf = (_snapshot: Snapshot, _status: CanaryStatus, _now: Date): Outlook | undefined =>
  undefined;
