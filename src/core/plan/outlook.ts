import { aimsOf, isSteered, loadOf } from '../aims.ts';
import * as reasons from '../check-reasons.ts';
import { formatDuration } from '../duration.ts';
import { unjudged } from '../evidence.ts';
import { counted, figure } from '../figures.ts';
import type { Timestamp } from '../objects.ts';
import type { CanaryStatus, Milestone, Outlook, Run } from '../run.ts';
import type { Snapshot } from '../snapshot.ts';
import { requestsNeeded, toleratedErrors, toleratedSlow } from '../tolerance.ts';
import { isActive } from './lifecycle.ts';
import { elapsedMs, stamp } from './move.ts';

// What comes next in a run, and when, at the current pace and traffic. Estimates are coarse, and kept until they are
// wrong by more than a tenth: they are for people, and not worth a write each second.

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

interface View {
  snapshot: Snapshot;
  status: CanaryStatus;
  run: Run;
  now: Date;
}

/** Requests that a verdict needs on errors, and on latency; 0: none are asked about. */
const needed = ({ settings, traffic, evidence }: Snapshot): { requests: number; timed: number } => {
  const { successRate, latency, minRequests } = settings;
  if (evidence.kind === 'unconfigured' || traffic.provider === 'none') return { requests: 0, timed: 0 };
  return {
    requests: successRate === 'off' ? 0 : requestsNeeded(minRequests, toleratedErrors(successRate)),
    timed: latency === 'off' ? 0 : requestsNeeded(minRequests, toleratedSlow(latency)),
  };
};

/** Requests that the check under way still lacks. */
const missing = ({ snapshot, run }: View): number => {
  const { requests, timed } = needed(snapshot);
  const seen = run.evidence === undefined ? { requests: 0, timed: 0 } : unjudged(run.evidence);
  return Math.max(0, Math.ceil(requests - seen.requests), Math.ceil(timed - seen.timed));
};

const loadsOf = ({ snapshot }: View): number[] => aimsOf(snapshot.settings).map(({ share }) => loadOf(share));

const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Requests per second that each percent of the traffic has brought to the canary; 0 while none has come. */
const ratePerPercent = (view: View): number => {
  const { run, status, now } = view;
  if (run.evidence === undefined) return 0;
  const loads = loadsOf(view);
  const load = loads[status.step] ?? 0;
  const before = status.step > 0 ? mean(loads.slice(0, status.step)) : load;
  const atStepMs = elapsedMs(run.stepSince ?? now.toISOString(), now);
  const beforeMs = Math.max(0, elapsedMs(run.evidence.since, now) - atStepMs);
  const exposure = (load * atStepMs + before * beforeMs) / SECOND;
  return exposure > 0 ? run.evidence.total.requests / exposure : 0;
};

const intervalLeftMs = ({ snapshot, run, now }: View): number =>
  Math.max(0, snapshot.settings.intervalMs - elapsedMs(run.stepSince ?? now.toISOString(), now));

/** Milliseconds until so many requests have come; infinite while none come. */
const comeInMs = (requests: number, perSecond: number): number =>
  requests === 0 ? 0 : (requests / perSecond) * SECOND;

const restOfCheckMs = (view: View): number =>
  Math.max(
    intervalLeftMs(view),
    comeInMs(missing(view), ratePerPercent(view) * (loadsOf(view)[view.status.step] ?? 0)),
  );

const LEARNT: readonly Milestone[] = ['destinations', 'split', 'canaryKnown'];

/** What proxies have yet to learn before the first share. */
const preparationMs = ({ snapshot, run }: View): number => {
  if (!isSteered(snapshot.traffic)) return 0;
  const waitMs = snapshot.settings.propagationWaitMs ?? snapshot.operator.propagationWaitMs;
  return LEARNT.filter((name) => run.milestones[name] === undefined).length * waitMs;
};

/** Until every check has passed; infinite where nobody can say. */
const untilPromotionMs = (view: View): number => {
  const { snapshot, status } = view;
  const aims = aimsOf(snapshot.settings);
  const loads = loadsOf(view);
  const rate = ratePerPercent(view);
  const { requests, timed } = needed(snapshot);
  const step = Math.max(status.step, 0);
  const checkMs = (load: number): number =>
    Math.max(snapshot.settings.intervalMs, comeInMs(Math.max(requests, timed), rate * load));
  // How many requests match is known only once they go to the canary.
  if (aims.some(({ share }, index) => index > step && share.match !== undefined)) return Infinity;
  const later = aims
    .slice(step + 1)
    .reduce((sum, { checks }, index) => sum + checks * checkMs(loads[step + 1 + index] ?? 0), 0);
  const checksAfterThis = Math.max(0, (aims[step]?.checks ?? 1) - status.iterations - 1);
  return preparationMs(view) + restOfCheckMs(view) + checksAfterThis * checkMs(loads[step] ?? 0) + later;
};

/** Rounded up: to 5 s below a minute, to half a minute below ten, then to tens of minutes. */
const coarsely = (milliseconds: number): number => {
  const grain = milliseconds < MINUTE ? 5 * SECOND : milliseconds < 10 * MINUTE ? MINUTE / 2 : 10 * MINUTE;
  return Math.ceil(milliseconds / grain) * grain;
};

/** One digit says enough of a rate that is an estimate. */
const roughly = (value: number): number => Number(value.toPrecision(value >= 10 ? 2 : 1));

/** `59 more requests, about 2m at 0.5 requests/s` */
const requestsInWords = (lacking: number, perSecond: number): string => {
  const more = `${figure(lacking)} more ${lacking === 1 ? 'request' : 'requests'}`;
  if (perSecond === 0) return `${more}; none has come so far`;
  const [rate, unit, perMs] =
    perSecond < 0.1 ? [roughly(perSecond * 60), 'minute', MINUTE] : [roughly(perSecond), 's', SECOND];
  return `${more}, about ${formatDuration(coarsely((lacking / rate) * perMs))} at ${counted(rate, 'request')}/${unit}`;
};

/** Reasons with which a step waits for nothing but its next check. */
const IN_STEP: readonly string[] = [
  'Advancing',
  reasons.PASSED,
  reasons.NOT_ENOUGH_REQUESTS,
  reasons.NO_LATENCY_SAMPLES,
];

const waitsFor = (view: View): string => {
  const { snapshot, status, run } = view;
  if (run.stepSince === undefined || !IN_STEP.includes(status.reason)) return status.message;
  const lacking = snapshot.evidence.kind === 'samples' ? missing(view) : 0;
  const perSecond = ratePerPercent(view) * (loadsOf(view)[status.step] ?? 0);
  if (lacking > 0 && comeInMs(lacking, perSecond) > intervalLeftMs(view))
    return requestsInWords(lacking, perSecond);
  return intervalLeftMs(view) > 0 ? 'the end of the interval' : status.message;
};

/** A person, or a webhook, decides when it goes on; or nobody knows. */
const standsStill = ({ phase }: CanaryStatus): boolean =>
  phase === 'Paused' || phase === 'Waiting' || phase === 'WaitingPromotion';

/** `known` as long as it is about right. */
const steady = (known: Timestamp | undefined, next: Date, now: Date): Timestamp => {
  const left = next.getTime() - now.getTime();
  const off = known === undefined ? Infinity : Math.abs(Date.parse(known) - next.getTime());
  return known !== undefined && off <= Math.max(5 * SECOND, left / 10) ? known : stamp(next);
};

const timeIn = (milliseconds: number, known: Timestamp | undefined, now: Date): Timestamp | undefined =>
  Number.isFinite(milliseconds) ? steady(known, new Date(now.getTime() + milliseconds), now) : undefined;

/**
 * What comes next, and when, at the current pace and traffic; undefined where no run is under way, or its end is decided.
 * Approvals and webhooks that are still to come take no time in it.
 * @param status with the run as it is to be written, and the outlook as it was written last
 */
export const outlookOf = (snapshot: Snapshot, status: CanaryStatus, now: Date): Outlook | undefined => {
  const { run, outlook: known } = status;
  if (!isActive(run) || run.ending !== undefined) return undefined;
  const view: View = { snapshot, status, run, now };
  const checkAt = run.stepSince === undefined ? undefined : timeIn(restOfCheckMs(view), known?.checkAt, now);
  const promotionAt = standsStill(status)
    ? undefined
    : timeIn(untilPromotionMs(view), known?.promotionAt, now);
  return {
    ...(checkAt === undefined ? {} : { checkAt }),
    waitsFor: waitsFor(view),
    ...(promotionAt === undefined ? {} : { promotionAt }),
  };
};
