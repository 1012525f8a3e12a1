import type { Effect } from '../effects.ts';
import { COMMAND_ANNOTATION } from '../marks.ts';
import type { Ending, Run } from '../run.ts';
import { approved } from './approvals.ts';
import { ending, event, type RunContext, stamp, without } from './move.ts';

// Commands: what a person tells a run, in an annotation on its Canary: `promote`, or `promote=<id>` for that run only.
// The status that obeys one is written before the annotation is removed, and remembers it until it is gone: each counts
// once, for what it was meant for, wherever Kanari dies.

const VERBS = ['abort', 'approve', 'pause', 'promote', 'resume', 'retry'] as const;
export type Verb = (typeof VERBS)[number];

const isVerb = (text: string): text is Verb => VERBS.some((verb) => verb === text);

/** The command line with which a person tells this very run something. */
export const commandLine = ({ facts, run }: Omit<RunContext, 'status'>, verb: Verb): string => {
  const { name, namespace = '' } = facts.deployment.metadata;
  return `kubectl annotate canary ${name} -n ${namespace} ${COMMAND_ANNOTATION}=${verb}=${run.id}`;
};

const changesNothing = (command: string, why: string): string =>
  `${COMMAND_ANNOTATION}=${command} changes nothing: ${why}`;

/** A verb for the run that there is, or was last; else why it is none, in words. */
type Heard = { verb: Verb } | { verb?: undefined; refusal: string };

const heard = (command: string, runId: string | undefined): Heard => {
  const [verb = '', ...id] = command.split('=');
  if (!isVerb(verb))
    return { refusal: `${COMMAND_ANNOTATION}=${command} is no command; known: ${VERBS.join(', ')}` };
  if (id.length === 0 || id.join('=') === runId) return { verb };
  const why = runId === undefined ? 'no run is under way' : `it is for another run than ${runId}`;
  return { refusal: changesNothing(command, why) };
};

/** Takes the command away; one that means nothing here is answered, never swallowed. */
const answered = (refusal?: string): Effect[] => [
  { kind: 'consumeCommand' },
  ...(refusal === undefined ? [] : [event(refusal, 'Warning')]),
];

/** What is told of a command while no run is under way, and its verb if it is one of these. */
export const heardIdle = (
  { snapshot: { command }, status }: RunContext,
  meaningful: readonly Verb[],
): { verb?: Verb | undefined; effects: Effect[] } => {
  if (command === undefined) return { effects: [] };
  const told = heard(command, status.run?.id);
  if (told.verb === undefined) return { effects: answered(told.refusal) };
  if (meaningful.includes(told.verb)) return { verb: told.verb, effects: answered() };
  return { effects: answered(changesNothing(command, 'no run is under way')) };
};

/** The run, whose end is decided. */
export const endingWith = (context: RunContext, decided: Ending): RunContext => ({
  ...context,
  status: decided.outcome === 'Promoted' ? { ...context.status, phase: 'Promoting' } : context.status,
  // What was waited for is over: the promotion's times count from its own begin.
  run: { ...without(context.run, 'waitingSince', 'stepSince'), ending: decided },
});

interface Obeyed {
  context: RunContext;
  /** What is told of it, in order. */
  effects: Effect[];
}

const aborted = (context: RunContext): Obeyed => ({
  context: endingWith(
    context,
    ending(context, { outcome: 'Aborted', reason: 'Aborted', message: 'aborted by command' }),
  ),
  effects: [],
});

export const promotedByCommand = (context: RunContext): RunContext =>
  endingWith(
    context,
    ending(context, { outcome: 'Promoted', reason: 'PromotedByCommand', message: 'promoted by command' }),
  );

const pausedFrom = (context: RunContext): Obeyed | string => {
  const { run, status, facts, now } = context;
  if (run.pausedAt !== undefined) return 'the run is paused already';
  const { name } = facts.deployment.metadata;
  const advice = `to go on: ${commandLine(context, 'resume')}`;
  return {
    context: { ...context, run: { ...run, pausedAt: stamp(now) }, status: { ...status, phase: 'Paused' } },
    effects: [event(`Paused ${name} by command at ${status.canaryWeight} %; ${advice}`)],
  };
};

const resumed = (context: RunContext): Obeyed | string => {
  const { run, status, facts } = context;
  if (run.pausedAt === undefined) return 'the run is not paused by command';
  return {
    context: {
      ...context,
      run: without(run, 'pausedAt'),
      status: { ...status, phase: 'Progressing' },
    },
    effects: [event(`Resumed ${facts.deployment.metadata.name} by command`)],
  };
};

const approvedNow = (context: RunContext): Obeyed | string => {
  const run = approved(context);
  return run === undefined ? 'no gate waits for approval' : { context: { ...context, run }, effects: [] };
};

/** What each makes of the run under way; a text: why it changes nothing. */
const MEANINGS: Readonly<Record<Verb, (context: RunContext) => Obeyed | string>> = {
  abort: aborted,
  approve: approvedNow,
  pause: pausedFrom,
  promote: (context) => ({ context: promotedByCommand(context), effects: [] }),
  resume: resumed,
  retry: () => 'a run is under way',
};

const noted = (run: Run, command: string): Run => ({ ...run, heard: command });

/** The run as it goes on from a look that has read the command there is, if any. */
export const heardBy = (run: Run, { command }: RunContext['snapshot']): Run =>
  command === undefined ? run : noted(run, command);

/** Taken away unheard: what it was for is over. */
export const tooLate = ({ snapshot: { command }, run }: RunContext): Effect[] => {
  if (command === undefined) return [];
  return answered(
    command === run.heard ? undefined : changesNothing(command, 'the run that it was for is over'),
  );
};

/** The run under way as a command leaves it. */
export const obey = (context: RunContext): Obeyed => {
  const { snapshot, run, status } = context;
  const { command } = snapshot;
  if (command === undefined) {
    // Gone from the Canary: the same word is another command from now on.
    return {
      context: run.heard === undefined ? context : { ...context, run: without(run, 'heard') },
      effects: [],
    };
  }
  if (command === run.heard) return { context, effects: answered() };
  const unchanged = { ...context, run: noted(run, command) };
  const told = heard(command, status.run?.id);
  if (told.verb === undefined) return { context: unchanged, effects: answered(told.refusal) };
  const obeyed = run.ending === undefined ? MEANINGS[told.verb](unchanged) : 'the run ends already';
  if (typeof obeyed === 'string')
    return { context: unchanged, effects: answered(changesNothing(command, obeyed)) };
  return { context: obeyed.context, effects: [...answered(), ...obeyed.effects] };
};
