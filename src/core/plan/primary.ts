import { isAiling } from '../primary-health.ts';
import { ailmentOf, healthOf } from './fix.ts';
import { elapsedMs, type RunContext, SOON_MS, type Stage, steersTraffic, without } from './move.ts';

// Whoever judges a canary needs a primary to fall back on, and to compare with.

const unreachable = (context: RunContext): string | undefined => {
  const { endpoints, traffic } = context.snapshot;
  if (traffic.services.length === 0) return undefined;
  if (endpoints.primary === 0) return 'the primary has no ready endpoint';
  // Where the number of pods shares the traffic out, labels keep none away: least of all pods of another workload.
  if (!steersTraffic(context) || endpoints.primaryUnlabelled === 0) return undefined;
  return `${endpoints.primaryUnlabelled} endpoints of the primary do not carry its label yet`;
};

/** Compared with a primary that ails, any canary looks good. */
const ailing = (context: RunContext): string | undefined => {
  const health = healthOf(context);
  return isAiling(health) ? ailmentOf(health) : undefined;
};

/**
 * Every ready endpoint of the primary is reachable through the split, and the primary does not ail; else the run does
 * not advance. Past the progress deadline it is Paused: neither version is to blame for certain, so none is withdrawn.
 */
export const primaryServes: Stage = (context) => {
  const { run, now, snapshot } = context;
  const { primaryShortSince: since } = run;
  const lack = unreachable(context) ?? ailing(context);
  if (lack === undefined && since === undefined) return undefined;
  if (lack === undefined) {
    return {
      status: { phase: 'Progressing' },
      run: without(run, 'primaryShortSince'),
      reason: 'Advancing',
      message: 'the primary is well again; the run goes on',
      requeueAfterMs: 0,
    };
  }
  const late = elapsedMs(since ?? now.toISOString(), now) >= snapshot.settings.progressDeadlineMs;
  return {
    ...(late ? { status: { phase: 'Paused' } } : {}),
    run: { ...run, primaryShortSince: since ?? now.toISOString() },
    reason: 'PrimaryNotReady',
    message: late
      ? `${lack}, past the progress deadline; the run goes on by itself when that is over`
      : `${lack}; the weight stays`,
    requeueAfterMs: SOON_MS,
  };
};
