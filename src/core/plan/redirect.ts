import type { Effect } from '../effects.ts';
import type { Facts } from '../facts.ts';
import type { Ending, Run } from '../run.ts';
import type { Snapshot } from '../snapshot.ts';
import { begunByChange } from './fix.ts';
import { begun, newRun } from './lifecycle.ts';
import { endedByLoss, toldLoss } from './lost.ts';
import { ending, event, type RunContext, without } from './move.ts';

// What others do to a run under way: revert it, release it, scale it to zero, replace its template, command it.

export interface Redirected {
  context: RunContext;
  /** Effects that tell of the redirection, before those of the run itself. */
  opening: Effect[];
}

export const detected = (facts: Facts, run: Run): Effect =>
  event(
    `New revision detected! ${facts.deployment.metadata.name} ${run.images.join(', ')} (${run.revision})`,
  );

const endedByOthers = (context: RunContext): Ending | undefined => {
  const { facts, run } = context;
  if (run.ending !== undefined) return undefined;
  const loss = endedByLoss(context);
  if (loss !== undefined) return loss;
  if (facts.templateRevision === run.primaryRevision) {
    const message = 'the template was reverted to the one that serves; nothing restarts';
    return ending(context, { outcome: 'Reverted', reason: 'RevertedToPrimary', message });
  }
  if (!facts.held) {
    const message = 'the Deployment was released while its run was under way';
    return ending(context, { outcome: 'Skipped', reason: 'Released', message });
  }
  if (facts.replicas === 0) {
    return ending(context, {
      outcome: 'Aborted',
      reason: 'ScaledToZero',
      message: 'the Deployment was scaled to zero',
    });
  }
  return undefined;
};

/** Another template is held. Before a promotion it overtakes the run; a withdrawal under way is finished first. */
const overtaken = ({ facts, run }: RunContext): boolean =>
  facts.held &&
  facts.templateRevision !== run.revision &&
  (run.ending === undefined || run.ending.outcome === 'Promoted');

const commanded = (context: RunContext): Ending | undefined => {
  const { command } = context.snapshot;
  if (command === undefined || context.run.ending !== undefined) return undefined;
  if (command === 'abort')
    return ending(context, { outcome: 'Aborted', reason: 'Aborted', message: 'aborted by command' });
  if (command === 'promote') {
    return ending(context, {
      outcome: 'Promoted',
      reason: 'PromotedByCommand',
      message: 'promoted by command',
    });
  }
  return undefined;
};

const COMMANDS = ['abort', 'promote', 'retry'];

/** Takes the command away; one that means nothing here is answered, never swallowed. */
export const commandConsumed = ({ command }: Snapshot, meaningful: readonly string[]): Effect[] => {
  if (command === undefined) return [];
  const known = `known: ${COMMANDS.join(', ')}`;
  const words = COMMANDS.includes(command)
    ? `kanari.dev/command=${command} changes nothing: no run is under way`
    : `kanari.dev/command=${command} is no command; ${known}`;
  return [{ kind: 'consumeCommand' }, ...(meaningful.includes(command) ? [] : [event(words, 'Warning')])];
};

const redirectedTo = (context: RunContext, decided: Ending): RunContext => ({
  ...context,
  status: decided.outcome === 'Promoted' ? { ...context.status, phase: 'Promoting' } : context.status,
  // What was waited for is over: the promotion's times count from its own begin.
  run: { ...without(context.run, 'waitingSince', 'stepSince'), ending: decided },
});

/** The context as a person's command leaves it; unchanged without one, or once the run's end is decided. */
export const obeying = (context: RunContext): RunContext => {
  const command = commanded(context);
  return command === undefined ? context : redirectedTo(context, command);
};

/** The context as others have left it; unchanged when nobody interfered. */
export const redirect = (context: RunContext): Redirected => {
  const { facts, status, now } = context;
  // Also `retry`, which began this run a moment ago.
  const consume = commandConsumed(context.snapshot, COMMANDS);
  const other = endedByOthers(context);
  if (other !== undefined) {
    const told = other.reason === 'PrimaryLost' ? [toldLoss(other)] : [];
    return { context: redirectedTo(context, other), opening: [...consume, ...told] };
  }
  if (overtaken(context) && context.status.phase !== 'Finalising') {
    const run = begunByChange(newRun(facts, now), context);
    return {
      context: { ...context, status: begun(status, run, now), run },
      opening: [...consume, detected(facts, run)],
    };
  }
  return { context: obeying(context), opening: consume };
};
