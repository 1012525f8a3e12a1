import { type AdmissionPatchOperation, type AdmittedState, patchFor } from './admission-patch.ts';
import { busyMessage, warningsFor } from './admission-warnings.ts';
import { admittedState } from './admitted-state.ts';
import type { CanaryPolicy } from './canary-policy.ts';
import { type AdmissionReason, OWN_MESSAGE_PREFIX, type UngatedReason } from './conditions.ts';
import { changeOf, isHeld, isPaused, type Mixture } from './deployment-change.ts';
import { type Ruling, rule } from './gates.ts';
import { inject, injectionFor } from './injection.ts';
import { CANARY, PRIMARY_MARK, VERSION_LABEL } from './marks.ts';
import { annotationsOf, type Deployment, labelsOf, type Namespace, type ReplicaSet } from './objects.ts';
import { isOptedIn, optOutReason, ownOptOut } from './opt-in.ts';
import { isServing, orphanedDeployment } from './orphans.ts';
import type { Settings } from './release-settings.ts';
import type { Revision } from './run.ts';
import { describeViolation, SETTING_NAMES, type Violation } from './setting-level.ts';
import { parseSettings } from './settings.ts';
import { misplacedLabels } from './unknown-names.ts';

/** One request about a Deployment, with what the answer depends on: never a clock, a call or chance. */
export interface AdmissionInput {
  operation: 'CREATE' | 'UPDATE';
  object: Deployment;
  /** Present exactly for an UPDATE. */
  oldObject: Deployment | undefined;
  namespace: Namespace;
  /** Those of the namespace. */
  policies: readonly CanaryPolicy[];
  username: string;
  /** Kanari's own user, as the API server calls it; undefined while unknown. */
  ownUsername: string | undefined;
  /** The Deployment's own; for a CREATE those without a controller that its selector matches. */
  replicaSets: readonly ReplicaSet[];
  /** A metrics server is configured. */
  metricsConfigured: boolean;
  /** Proxies divide the Deployment's traffic, and callers of its own Namespace have none. */
  callersOutsideMesh: boolean;
}

export type AdmissionAnswer =
  | {
      verdict: 'allow';
      reason: AdmissionReason;
      patch: AdmissionPatchOperation[];
      warnings: string[];
      /** A changed template goes out without a canary: to be counted, and told in an Event. */
      ungated?: UngatedReason;
    }
  | { verdict: 'deny'; reason: AdmissionReason; message: string; warnings: string[] };

/** The whole of admission. Asked again with its own patch applied, it answers with an empty one. */
export const decideAdmission = (input: AdmissionInput): AdmissionAnswer => {
  const passed = passedThrough(input);
  if (passed !== undefined) return { verdict: 'allow', reason: passed, patch: [], warnings: [] };

  const { object, namespace, operation } = input;
  const before = operation === 'UPDATE' ? input.oldObject : orphanedDeployment(object, input.replicaSets);
  const parsed = parseSettings({
    deployment: annotationsOf(object),
    namespace: annotationsOf(namespace),
    policies: input.policies,
  });
  const violations = parsed.ok ? [] : parsed.violations;
  const fresh = violations.filter((violation) => isSetBy(violation, object, input.oldObject));
  const hints = [
    ...misplacedLabels(labelsOf(object), SETTING_NAMES),
    ...parsed.warnings,
    ...violations.filter((v) => !fresh.includes(v)).map(describeViolation),
  ];
  if (fresh.length > 0) return denyInvalid(fresh, hints);

  const answer =
    before === undefined
      ? create(object, namespace, parsed.settings)
      : update(before, parsed.settings, input);
  return { ...answer, warnings: presentable([...answer.warnings, ...hints]) };
};

const passedThrough = (input: AdmissionInput): AdmissionReason | undefined => {
  if (input.ownUsername !== undefined && input.username === input.ownUsername) return 'Own';
  if (input.object.spec.selector.matchLabels?.[VERSION_LABEL] === CANARY) return 'CanaryItself';
  return optsOut(input) ? undefined : optOutReason(input.object, input.namespace);
};

/** What is opted out by the very request that changes it is not out of Kanari's hands yet. */
const optsOut = ({ object, oldObject, namespace }: AdmissionInput): boolean =>
  oldObject !== undefined && isOptedIn(oldObject, namespace) && ownOptOut(object) !== undefined;

/** A bad value that was there before must not get in the way of an unrelated change. */
const isSetBy = (
  { source, annotation }: Violation,
  object: Deployment,
  oldObject: Deployment | undefined,
): boolean => {
  if (source === 'namespace') return false;
  const previous = oldObject === undefined ? undefined : annotationsOf(oldObject)[annotation];
  return annotationsOf(object)[annotation] !== previous;
};

const denyInvalid = (violations: Violation[], hints: string[]): AdmissionAnswer => ({
  verdict: 'deny',
  reason: 'InvalidSetting',
  message: OWN_MESSAGE_PREFIX + violations.map(describeViolation).join('; '),
  warnings: presentable(hints),
});

const create = (object: Deployment, namespace: Namespace, settings: Settings): AdmissionAnswer => {
  // A copied or restored manifest must not start paused; a pause without our marks is its user's.
  const paused = object.spec.paused === true && !isHeld(object);
  const template = inject(object.spec.template, injectionFor(settings, namespace));
  return {
    verdict: 'allow',
    reason: 'Created',
    patch: patchFor(object, { paused, marks: {}, template }),
    warnings: [],
  };
};

const update = (before: Deployment, settings: Settings, input: AdmissionInput): AdmissionAnswer => {
  const { object, namespace, operation, metricsConfigured, callersOutsideMesh } = input;
  const change = changeOf(before, object, {
    settings,
    injection: injectionFor(settings, namespace),
    mixture: mixtureOf(before, input),
  });
  const ruling = rule(change);
  const warnings = warningsFor({ change, ruling, metricsConfigured, callersOutsideMesh });
  const admitted = admittedState(change, ruling);
  // What changed while it was opted out has come past nobody: the mark says that it is known.
  const optsIn = ruling.kind === 'allow' && !change.pauseRequested && !isOptedIn(before, namespace);
  const state = optsIn ? withPrimary(admitted, change.revision) : admitted;
  if (state === undefined) {
    return { verdict: 'deny', reason: ruling.reason, message: busyMessage(change), warnings };
  }
  return {
    verdict: 'allow',
    reason: operation === 'CREATE' ? reasonOfCreation(ruling) : ruling.reason,
    patch: patchFor(object, state),
    warnings,
    ...(ruling.kind === 'through' ? { ungated: ruling.reason } : {}),
  };
};

const mixtureOf = (before: Deployment, { operation, replicaSets }: AdmissionInput): Mixture | undefined => {
  if (replicaSets.filter(isServing).length < 2) return undefined;
  return operation === 'CREATE' || isPaused(before) ? 'standing' : 'moving';
};

const withPrimary = (state: AdmittedState | undefined, revision: Revision): AdmittedState | undefined =>
  state && { ...state, marks: { ...state.marks, [PRIMARY_MARK]: revision } };

const reasonOfCreation = ({ kind, reason }: Ruling): AdmissionReason =>
  kind === 'hold' ? 'OrphansFound' : reason;

/** The API server drops warnings beyond 4096 characters in all: the first are the ones that matter. */
const MOST_WARNINGS = 10;

const presentable = (warnings: string[]): string[] => {
  const shown = warnings.slice(0, MOST_WARNINGS).map((warning) => OWN_MESSAGE_PREFIX + warning);
  const hidden = warnings.length - shown.length;
  return hidden === 0 ? shown : [...shown, `${OWN_MESSAGE_PREFIX}${hidden} more warnings of this kind`];
};
