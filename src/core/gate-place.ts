import type { Timestamp } from './objects.ts';

// Gates: places where a run waits until a person, or a webhook, lets it go on.

/** Before the canary has a pod; before each rise of its share; before the promotion. */
export type GatePlace = 'start' | 'traffic' | 'promotion';

/** A gate that a run has come to, and found shut. */
export interface GateRecord {
  /** `start`, `traffic/<step>`, `promotion`. */
  at: string;
  /** Since when the run waits there. */
  since: Timestamp;
  /** When a person approved. */
  approvedAt?: Timestamp;
  /** When its timeout was told of; it waits on. */
  overdueAt?: Timestamp;
  /** When it let the run go on; it stays open from then on. */
  openedAt?: Timestamp;
}

/** Name of the gate at a place; `step` is the one whose share it lets in. */
export const gateName = (place: GatePlace, step: number): string =>
  place === 'traffic' ? `traffic/${step}` : place;

/** The place of a gate with this name. */
export const placeOf = ({ at }: GateRecord): GatePlace =>
  at === 'start' || at === 'promotion' ? at : 'traffic';

/** The gate that the run waits at: the last one that it has come to, unless that is open. */
export const shutGate = (gates: readonly GateRecord[] = []): GateRecord | undefined => {
  const last = gates.at(-1);
  return last?.openedAt === undefined ? last : undefined;
};

/** `gates` with this one in place of the one of its name, or last. */
export const withGate = (gates: readonly GateRecord[] = [], gate: GateRecord): GateRecord[] => [
  ...gates.filter(({ at }) => at !== gate.at),
  gate,
];
