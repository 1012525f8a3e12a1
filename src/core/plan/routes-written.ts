import type { Effect } from '../effects.ts';
import type { RoutesWritten } from '../run.ts';
import { sameJson } from '../same-json.ts';
import { elapsedMs, event, type Move, type RunContext, steersTraffic } from './move.ts';

// What a run has written into the routes, and whether it stands there. Writes of people and GitOps tools pass admission,
// which keeps the split in them: they undo nothing.

/** In a row; then the routes are left to those who undo it. */
export const REASSERTIONS = 3;
/** What stood for so long was let stand: the row begins anew. */
const QUIET_MS = 60_000;
/** What is not seen to stand by then was undone before anybody could look. */
const UNSEEN_MS = 3_000;

/** Others have undone what was written more often than it is written anew. */
export const isContested = ({ run }: Pick<RunContext, 'run'>): boolean =>
  (run.routes?.undone ?? 0) > REASSERTIONS;

/** Between the first write of a run and the withdrawal of its share. */
const watchesRoutes = (context: RunContext): boolean =>
  steersTraffic(context) && context.run.milestones.weightZero === undefined;

const seenRoutes = ({ snapshot: { traffic }, now }: RunContext, known: RoutesWritten): RoutesWritten => {
  const since = now.toISOString();
  if (known.state === 'left') return known;
  if (traffic.destinations && traffic.split && sameJson(traffic.share, known.share))
    return known.state === 'stands' ? known : { ...known, state: 'stands', since };
  if (traffic.rewritten === undefined) return known;
  const stood = known.state === 'stands';
  if (!stood && elapsedMs(known.since, now) <= UNSEEN_MS) return known;
  const before = stood && elapsedMs(known.since, now) > QUIET_MS ? 0 : known.undone;
  return { ...known, state: 'undone', since, undone: before + 1 };
};

/** The run as it is once the routes are looked at: what was written stands there, or others have undone it. */
export const withRoutesSeen = (context: RunContext): { context: RunContext; told: Effect[] } => {
  const { run, facts, snapshot } = context;
  if (run.routes === undefined || !watchesRoutes(context)) return { context, told: [] };
  const routes = seenRoutes(context, run.routes);
  if (routes === run.routes) return { context, told: [] };
  const message = `The split of ${facts.deployment.metadata.name} does not stand any more (${routes.undone}): ${snapshot.traffic.rewritten ?? ''}`;
  return {
    context: { ...context, run: { ...run, routes } },
    told: routes.state === 'undone' ? [event(message, 'Warning')] : [],
  };
};

/** Notes down what a move writes into the routes, so that the next look can tell whether it stands. */
export const withRoutesNoted = (context: RunContext, move: Move): Move => {
  const run = move.run ?? context.run;
  const written = move.effects?.find((effect) => effect.kind === 'setShare');
  if (written === undefined || isContested({ run })) return move;
  const { routes } = run;
  if (routes?.state === 'written' && sameJson(routes.share, written.share)) return move;
  const noted: RoutesWritten = {
    share: written.share,
    state: 'written',
    since: context.now.toISOString(),
    undone: routes?.undone ?? 0,
  };
  return { ...move, run: { ...run, routes: noted } };
};
