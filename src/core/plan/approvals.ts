import { gateName, placeOf, shutGate, withGate } from '../gate-place.ts';
import type { Run } from '../run.ts';
import type { GateKeeper } from './gate-keeper.ts';
import { type RunContext, stamp } from './move.ts';

// A person approves. Who may, RBAC on canaries says.

/** Shut where `approve` names the place, until somebody has approved this very gate. */
export const approvals: GateKeeper = ({ snapshot, status, run }, place) => {
  if (!snapshot.settings.approve.includes(place)) return undefined;
  const name = gateName(place, status.step);
  const approved = run.gates?.some(({ at, approvedAt }) => at === name && approvedAt !== undefined);
  return approved === true ? undefined : { reason: 'WaitingForApproval', waitsFor: 'approval' };
};

/** The run with the gate approved that waits now; undefined where none waits for that. */
export const approved = ({ snapshot, run, now }: RunContext): Run | undefined => {
  const gate = shutGate(run.gates);
  if (gate === undefined || gate.approvedAt !== undefined) return undefined;
  if (!snapshot.settings.approve.includes(placeOf(gate))) return undefined;
  return { ...run, gates: withGate(run.gates, { ...gate, approvedAt: stamp(now) }) };
};
