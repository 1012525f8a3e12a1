import { beyondTraffic } from './aims.ts';
import { UNGATED_REASONS, type UngatedReason } from './conditions.ts';
import { type DeploymentChange, isPaused, skipLeftBehind } from './deployment-change.ts';
import type { GatePlace } from './gate-place.ts';
import type { Ruling } from './gates.ts';
import { startsBeforeProxy } from './injection.ts';
import type { ObjectMeta, PodTemplate } from './objects.ts';
import { paceOf } from './pace.ts';
import { SKIP_ANNOTATION } from './settings.ts';
import { quote } from './text.ts';
import { judgesRequests, stepsMade, uncounted } from './without-routes.ts';

// What admission tells the person at the terminal: one line each, the name of the Deployment and the way on in it.
// The API server cuts a warning at 256 characters.

export interface WarningContext {
  change: DeploymentChange;
  ruling: Ruling;
  metricsConfigured: boolean;
  callersOutsideMesh: boolean;
}

/** Warnings without the leading `kanari: `. */
export const warningsFor = ({
  change,
  ruling,
  metricsConfigured,
  callersOutsideMesh,
}: WarningContext): string[] => [
  ...rulingWarnings(change, ruling),
  ...(ruling.kind === 'hold' ? approvalWarnings(change) : []),
  ...(ruling.kind === 'hold' && !metricsConfigured ? withoutMetrics(change) : []),
  ...(ruling.kind === 'hold' && callersOutsideMesh ? [outsideMesh(change)] : []),
  ...(ruling.kind === 'hold' ? countWarnings(change, metricsConfigured) : []),
  ...proxyWarnings(change, ruling),
  ...historyWarnings(change, ruling),
  ...skipWarnings(change, ruling),
];

const rulingWarnings = (change: DeploymentChange, ruling: Ruling): string[] => {
  const name = nameOf(change.after.metadata);
  switch (ruling.kind) {
    case 'hold':
      return [holdWarning(name, change, ruling.reason)];
    case 'revert':
      return change.templateChanged
        ? [`${name} is back at the version that serves: nothing restarts; a canary under way is withdrawn`]
        : [];
    case 'keepHold':
      return change.resumesHold ? [resumeWarning(name)] : [];
    case 'through':
      return [releaseWarning(name, change, ruling.reason)];
    case 'userPause':
      return change.templateChanged
        ? [`${name} is paused by you: what changed becomes a canary when you resume it`]
        : [];
    case 'allow':
    case 'deny':
      return [];
  }
};

const holdWarning = (name: string, change: DeploymentChange, reason: string): string => {
  const begins = reason === 'Superseded' ? 'starts again with this template' : 'started';
  const follow = `Follow: kubectl get canary ${name} -w`;
  return `canary of ${name} ${begins} (${paceOf(change.settings)}); ${primaryName(change)} keeps serving. ${follow}`;
};

const PLACES: Readonly<Record<GatePlace, string>> = {
  start: 'start',
  traffic: 'each rise of its share',
  promotion: 'promotion',
};

/** Where a person will have to approve, and how. */
const approvalWarnings = ({ settings, after }: DeploymentChange): string[] => {
  if (settings.approve.length === 0) return [];
  const name = nameOf(after.metadata);
  const places = [...new Set(settings.approve)].map((place) => PLACES[place]).join(', ');
  return [
    `${name} waits for approval (${places}): kubectl annotate canary ${name} kanari.dev/command=approve`,
  ];
};

const releaseWarning = (name: string, change: DeploymentChange, reason: UngatedReason): string => {
  const waits = change.pauseRequested && !change.held;
  const later = waits ? '. It is paused by you, and goes out when you resume it' : '';
  return `${name} is released without a canary: ${UNGATED_REASONS[reason]}${adviceFor(reason)}${later}`;
};

const resumeWarning = (name: string): string =>
  `${name} stays held. Release it now: kubectl annotate canary ${name} kanari.dev/command=promote; run a failed one again: the same with retry`;

const withoutMetrics = ({ settings, after }: DeploymentChange): string[] =>
  settings.metrics.length > 0
    ? []
    : [`no metrics server is configured: ${nameOf(after.metadata)} is judged by readiness and restarts only`];

const outsideMesh = ({ after }: DeploymentChange): string =>
  `the Namespace has no sidecars: callers without one reach every pod of ${nameOf(after.metadata)}, the canary's too, whatever its weight`;

/** Where the setting itself says that nothing splits the traffic; what `auto` comes to, the scheduler tells. */
const countWarnings = ({ settings, after }: DeploymentChange, metricsConfigured: boolean): string[] => {
  const { traffic, steps, iterations, policyProblem } = settings;
  if ((traffic !== 'replicas' && traffic !== 'none') || policyProblem !== undefined) return [];
  const lacking = beyondTraffic(settings, { provider: traffic, services: [] });
  if (lacking.length > 0) return [beyond(lacking.join(', '), traffic, after.metadata)];
  const made = iterations === undefined ? stepsMade(steps, after.spec.replicas ?? 1) : undefined;
  const blind = traffic === 'replicas' && metricsConfigured && judgesRequests(settings);
  return [...(made === undefined ? [] : [made]), ...(blind ? [uncounted(nameOf(after.metadata))] : [])];
};

const beyond = (lacking: string, traffic: string, metadata: Partial<ObjectMeta>): string =>
  `${lacking} can not be done with traffic ${traffic}: the canary of ${nameOf(metadata)} waits for another setting`;

const proxyWarnings = ({ after, injection }: DeploymentChange, { kind }: Ruling): string[] =>
  kind === 'hold' && startsBeforeProxy(after.spec.template, injection)
    ? [
        `proxy.istio.io/config of ${nameOf(after.metadata)} lacks holdApplicationUntilProxyStarts: calls before its proxy is up fail, and count against the canary`,
      ]
    : [];

/** What to do about a release that was not gated, where something can be done. */
const ADVICE: Partial<Record<UngatedReason, string>> = {
  RecreateStrategy: '. Use RollingUpdate to have one',
  NoHistory: '. Set it to 1 or more to have one',
  RestartOnly: '. kanari.dev/canary-restarts: "true" makes it one',
  Busy: '. Without that, the change would be refused until it is complete',
};

const adviceFor = (reason: UngatedReason): string => ADVICE[reason] ?? '';

const historyWarnings = ({ after }: DeploymentChange, { kind }: Ruling): string[] => {
  const staysHeld = kind === 'hold' || kind === 'revert' || kind === 'keepHold';
  if (!staysHeld || after.spec.revisionHistoryLimit !== 0) return [];
  return [
    `revisionHistoryLimit of ${nameOf(after.metadata)} stays 1 while it is held: at 0 the serving version is lost`,
  ];
};

const skipWarnings = (change: DeploymentChange, ruling: Ruling): string[] => {
  if (change.templateChanged && skipLeftBehind(change)) {
    return [`${SKIP_ANNOTATION} was there before and does not count now: change its value to skip again`];
  }
  if (change.skipRequested && ruling.kind !== 'through') {
    return [`${SKIP_ANNOTATION} has nothing to skip in this change, and does not count for later ones`];
  }
  return [];
};

/** Why a change during a rolling update is refused, and the ways round it. */
export const busyMessage = ({ before }: DeploymentChange): string => {
  const { updatedReplicas = 0, replicas = 0 } = before.status ?? {};
  const name = nameOf(before.metadata);
  const progress = updatedReplicas < replicas ? ` (${updatedReplicas} of ${replicas} pods updated)` : '';
  return (
    `kanari: ${name} is in the middle of a rolling update${progress}, ` +
    `and a canary needs one version to compare with: retry in a moment. ` +
    `To release without a canary, set kanari.dev/on-busy: allow, or a new value of ${SKIP_ANNOTATION}`
  );
};

/** The serving version in the words of its images where they tell it apart, else its revision. */
const primaryName = ({ before, after, primary }: DeploymentChange): string => {
  // While paused, the stored template is not what serves.
  const tag = isPaused(before) ? undefined : changedTag(before.spec.template, after.spec.template);
  return tag ?? primary ?? 'the primary';
};

const changedTag = (before: PodTemplate, after: PodTemplate): string | undefined => {
  const replaced = before.spec.containers?.find(({ name, image }) => {
    const successor = after.spec.containers?.find((container) => container.name === name);
    return tagOf(image) !== tagOf(successor?.image);
  });
  const tag = tagOf(replaced?.image);
  return tag === undefined ? undefined : quote(tag);
};

/** `v1` of `registry:5000/shop/web:v1@sha256:…`. */
const tagOf = (image: string | undefined): string | undefined =>
  /:([^:/]+)$/.exec(image?.split('@')[0] ?? '')?.[1];

/** A Deployment created by `generateName` has no name yet. */
const nameOf = ({ name, generateName }: Partial<ObjectMeta>): string => name ?? `${generateName ?? ''}…`;
