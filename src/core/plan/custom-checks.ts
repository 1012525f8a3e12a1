import type { MetricCheck } from '../run.ts';
import type { RunContext } from './move.ts';

/** The user's own metrics, judged. */
export const customChecks = (_context: RunContext): MetricCheck[] => [];
