import type { Timestamp } from './objects.ts';

// Gates: places where a run waits until a person, or a webhook, lets it go on.

/** Before the canary has a pod; before each rise of its share; before the promotion. */
export type GatePlace = 'start' | 'traffic' | 'promotion';

/** A gate that a run has come to. */
export interface GateRecord {
  /** `start`, `traffic/<step>`, `promotion`. */
  at: string;
  /** Since when the run waits there. */
  since: Timestamp;
  /** When a person approved. */
  approvedAt?: Timestamp;
}
