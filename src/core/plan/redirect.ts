import type { Effect } from '../effects.ts';
import type { Facts } from '../facts.ts';
import type { Ending, Run } from '../run.ts';
import { sameJson } from '../same-json.ts';
import { endingWith, heardBy, obey, tooLate } from './commands.ts';
import { begunByChange } from './fix.ts';
import { begun, imagesOf, newRun } from './lifecycle.ts';
import { endedByLoss, toldLoss } from './lost.ts';
import { ending, event, type RunContext } from './move.ts';

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

/** What is rolled out is not what was analysed; told by images, for a restart is the same version. */
const replacedInPromotion = ({ facts, run, status }: RunContext): boolean =>
  run.ending?.outcome === 'Promoted' &&
  status.phase === 'Promoting' &&
  !facts.held &&
  !sameJson(imagesOf(facts.deployment), run.images);

const endedByOthers = (context: RunContext): Ending | undefined => {
  const { facts, run } = context;
  if (replacedInPromotion(context)) {
    const message = 'another template took the place of the one that was being promoted';
    return ending(context, { outcome: 'Skipped', reason: 'Released', message });
  }
  if (run.ending !== undefined) return undefined;
  const loss = endedByLoss(context);
  if (loss !== undefined) return loss;
  if (facts.primaryKnown && facts.templateRevision === run.primaryRevision) {
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

/** The context as others have left it; unchanged when nobody interfered. */
export const redirect = (context: RunContext): Redirected => {
  const { facts, status, now, snapshot } = context;
  const other = endedByOthers(context);
  if (other !== undefined) {
    const told = other.reason === 'PrimaryLost' ? [toldLoss(other)] : [];
    const ends = endingWith({ ...context, run: heardBy(context.run, snapshot) }, other);
    return { context: ends, opening: [...tooLate(context), ...told] };
  }
  if (overtaken(context) && context.status.phase !== 'Finalising') {
    const run = heardBy(begunByChange(newRun(facts, now), context), snapshot);
    return {
      context: { ...context, status: begun(status, run, now), run },
      opening: [...tooLate(context), detected(facts, run)],
    };
  }
  const { context: told, effects } = obey(context);
  return { context: told, opening: effects };
};
