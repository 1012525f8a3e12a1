import type { GatePlace } from '../gate-place.ts';
import type { Stage } from './move.ts';

// Gates: the run waits at one until each of its keepers lets it pass.

/** A move while the gate is shut, nothing once it is open. */
export const gateOpen =
  (_place: GatePlace): Stage =>
  () =>
    undefined;
