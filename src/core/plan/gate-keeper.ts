import type { Effect } from '../effects.ts';
import type { GatePlace } from '../gate-place.ts';
import type { Run } from '../run.ts';
import type { RunContext } from './move.ts';

/** Who keeps a gate shut, as of now; undefined: nobody. */
export interface GateKept {
  reason: string;
  /** `approval`, `webhook load-gate (HTTP 403: closed)` */
  waitsFor: string;
  /** The run with what was asked meanwhile. */
  run?: Run;
  effects?: Effect[];
  requeueAfterMs?: number;
}
export type GateKeeper = (context: RunContext, place: GatePlace) => GateKept | undefined;
