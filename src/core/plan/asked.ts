import { beyondTraffic } from '../aims.ts';
import { event, type Move, type RunContext, type Stage } from './move.ts';

// What the settings ask for must be known, and possible, before a run goes on: it waits for a person otherwise, with
// the weight that it has. Nothing is released by a part of what was asked for.

const LOOK_MS = 10_000;

/** Told in an Event when the wait begins. */
const waitFor = ({ status, facts }: RunContext, reason: string, message: string): Move => {
  const words = `${message}; the run waits`;
  const told = status.reason === reason && status.message === words;
  const { name } = facts.deployment.metadata;
  return {
    effects: told ? [] : [event(`Halt ${name} advancement ${words}`, 'Warning')],
    reason,
    message: words,
    requeueAfterMs: LOOK_MS,
  };
};

/** The CanaryPolicy that is named is there and can be read. */
export const policyKnown: Stage = (context) => {
  const { policyProblem } = context.snapshot.settings;
  return policyProblem && waitFor(context, policyProblem.reason, policyProblem.message);
};

/** A misspelt Service would leave the traffic unsplit, and the canary with its share by number of pods. */
export const servicesExist: Stage = (context) => {
  const { settings, traffic } = context.snapshot;
  const missing = settings.services?.filter((service) => !traffic.services.includes(service)) ?? [];
  if (missing.length === 0) return undefined;
  const message = `kanari.dev/service names ${missing.join(', ')}, which the namespace does not have`;
  return waitFor(context, 'ServiceNotFound', message);
};

/** Whatever routes the traffic can match, copy or pin requests, or keep them away, as the settings ask. */
export const trafficSuffices: Stage = (context) => {
  const { settings, traffic } = context.snapshot;
  const lacking = beyondTraffic(settings, traffic);
  if (lacking.length === 0) return undefined;
  const way =
    traffic.services.length === 0 ? 'the Deployment has no Service' : 'its traffic goes by number of pods';
  const message = `${lacking.join(', ')} can not be done: ${way}, and only routes of Istio or the Gateway API can`;
  return waitFor(context, 'TrafficUnsupported', message);
};
