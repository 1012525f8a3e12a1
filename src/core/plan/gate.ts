import { describeShare } from '../aims.ts';
import { formatDuration } from '../duration.ts';
import type { Effect } from '../effects.ts';
import { type GatePlace, type GateRecord, gateName, withGate } from '../gate-place.ts';
import type { Phase, Run } from '../run.ts';
import { approvals } from './approvals.ts';
import { commandLine } from './commands.ts';
import { confirmations } from './confirmations.ts';
import type { GateKeeper, GateKept } from './gate-keeper.ts';
import { elapsedMs, ending, event, type Move, type RunContext, type Stage, stamp } from './move.ts';
import { targetShare } from './prepare.ts';

// Gates: the run waits at one until each of its keepers lets it pass.

/** In order: webhooks are asked once a person has approved. */
const KEEPERS: readonly GateKeeper[] = [approvals, confirmations];

const PHASES: Readonly<Record<GatePlace, Phase>> = {
  start: 'Waiting',
  traffic: 'Waiting',
  promotion: 'WaitingPromotion',
};

/** Timers can't count much beyond 24 days, and a gate may wait for 30. */
const LONGEST_LOOK_MS = 3_600_000;

interface Gate {
  context: RunContext;
  place: GatePlace;
  record: GateRecord;
}

interface ShutGate extends Gate {
  kept: GateKept;
  /** Whom it waits for and what that lets in, for people. */
  words: string;
}

/** What the gate lets in, for people. */
const aheadOf = ({ context, place }: Gate): string => {
  if (place === 'start') return 'before its canary starts';
  return place === 'promotion'
    ? 'before the promotion'
    : `before this: ${describeShare(targetShare(context))}`;
};

/** How to let the run go on, where a person can. */
const adviceFor = ({ context, kept }: ShutGate): string =>
  kept.reason === 'WaitingForApproval' ? `; to approve: ${commandLine(context, 'approve')}` : '';

const noted = ({ gates, ...run }: Run, record: GateRecord): Run => ({
  ...run,
  gates: withGate(gates, record),
});

const nameOf = ({ context }: Gate): string => context.facts.deployment.metadata.name;

/** From now on, whatever becomes of the settings, of Kanari or of the canary. */
const opened = (gate: Gate, told: Effect[]): Move => ({
  status: { phase: 'Progressing' },
  run: noted(gate.context.run, { ...gate.record, openedAt: stamp(gate.context.now) }),
  effects: told,
  reason: 'Advancing',
  message: `the gate ${aheadOf(gate)} is open`,
  requeueAfterMs: 0,
});

const waiting = (gate: ShutGate, leftMs: number): Move => {
  const { context, place, record, kept, words } = gate;
  const begins = !context.run.gates?.some(({ at }) => at === record.at);
  const advice = adviceFor(gate);
  return {
    status: { phase: PHASES[place] },
    run: noted(kept.run ?? context.run, record),
    effects: [
      ...(kept.effects ?? []),
      ...(begins && advice !== '' ? [event(`${nameOf(gate)} waits for ${words}${advice}`)] : []),
    ],
    reason: kept.reason,
    message: `waits for ${words}${advice}`,
    requeueAfterMs: Math.min(leftMs, kept.requeueAfterMs ?? LONGEST_LOOK_MS, LONGEST_LOOK_MS),
  };
};

/** What `on-gate-timeout` says becomes of the run. */
const overdue = (gate: ShutGate): Move => {
  const { context, record, words } = gate;
  const { gateTimeoutMs, onGateTimeout } = context.snapshot.settings;
  const late = `waited ${formatDuration(gateTimeoutMs)} for ${words}`;
  if (onGateTimeout === 'proceed')
    return opened(gate, [event(`${nameOf(gate)} goes on without it: ${late}`, 'Warning')]);
  if (onGateTimeout === 'rollback') {
    const reason = 'GateTimedOut';
    const decided = ending(context, { outcome: 'RolledBack', reason, message: late });
    return { run: { ...context.run, ending: decided }, reason, message: late, requeueAfterMs: 0 };
  }
  const since = record.overdueAt ?? stamp(context.now);
  const waits = waiting({ ...gate, record: { ...record, overdueAt: since } }, LONGEST_LOOK_MS);
  const told = event(`Halt ${nameOf(gate)} advancement ${late}; it waits on`, 'Warning');
  return {
    ...waits,
    status: { phase: 'Paused' },
    effects: [...(waits.effects ?? []), ...(record.overdueAt === undefined ? [told] : [])],
    message: `${waits.message}; overdue since ${since}`,
  };
};

const keptBy = (context: RunContext, place: GatePlace): GateKept | undefined => {
  for (const keeper of KEEPERS) {
    const kept = keeper(context, place);
    if (kept !== undefined) return kept;
  }
  return undefined;
};

/**
 * A move while the gate is shut, and the one that notes it open; nothing from then on, or where nobody keeps it.
 * `status.step` of the context is the step whose share it lets in.
 */
export const gateOpen =
  (place: GatePlace): Stage =>
  (context) => {
    const at = gateName(place, context.status.step);
    const known = context.run.gates?.find((gate) => gate.at === at);
    if (known?.openedAt !== undefined) return undefined;
    const record = known ?? { at, since: stamp(context.now) };
    const gate: Gate = { context, place, record };
    const kept = keptBy(context, place);
    if (kept === undefined) {
      const told = event(`${nameOf(gate)} goes on: the gate ${aheadOf(gate)} is open`);
      return known && opened(gate, [told]);
    }
    const shut = { ...gate, kept, words: `${kept.waitsFor} ${aheadOf(gate)}` };
    const left = context.snapshot.settings.gateTimeoutMs - elapsedMs(record.since, context.now);
    return left > 0 ? waiting(shut, left) : overdue(shut);
  };
