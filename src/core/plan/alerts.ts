import type { Plan } from '../effects.ts';
import type { RunContext } from './move.ts';

// Who is told of a run, beside the Events.

/** The plan with the alerts that its Events, and the end of its run, ask for. */
export const withAlerts = (_context: RunContext, decided: Plan): Plan => decided;
