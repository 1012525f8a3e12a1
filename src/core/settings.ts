import { type CanaryPolicy, fieldOf, type PolicyParts, partsOf, textOf } from './canary-policy.ts';
import { COMMAND_ANNOTATION, DOMAIN, MARKS, SPLIT_ANNOTATION } from './marks.ts';
import type { StringMap } from './objects.ts';
import type { PolicyProblem, Settings } from './release-settings.ts';
import {
  describeViolation,
  type Level,
  readLevel,
  SETTING_NAMES,
  type SettingSource,
  type Values,
  type Violation,
} from './setting-level.ts';
import { quote } from './text.ts';
import { unknownNames } from './unknown-names.ts';

// Annotations, a CanaryPolicy and defaults to Settings, or to a list of what can't be understood.

/** Annotation: this change goes out natively, at once; it counts in the request that changes its value. */
export const SKIP_ANNOTATION = 'kanari.dev/skip';

/** They say something about one change or one Deployment, so a policy has no such field. */
const PER_CHANGE: ReadonlySet<string> = new Set(['skip', 'policy']);

const KNOWN = new Set([
  ...SETTING_NAMES.map((name) => DOMAIN + name),
  ...MARKS,
  SPLIT_ANNOTATION,
  COMMAND_ANNOTATION,
]);

const SECOND = 1_000;

/** What holds where neither the Deployment nor a policy nor the Namespace says anything. */
export const DEFAULT_SETTINGS: Settings = {
  steps: [10, 20, 30, 40, 50],
  intervalMs: 60 * SECOND,
  threshold: 5,
  successRate: 99,
  latency: { quantile: 0.99, limitMs: 500 },
  minRequests: 'auto',
  analysis: 'threshold',
  compare: 'limit',
  onNoData: 'rollback',
  onFailure: 'rollback',
  progressDeadlineMs: 600 * SECOND,
  traffic: 'auto',
  sidecar: 'auto',
  propagationWaitMs: undefined,
  services: undefined,
  canaryRestarts: false,
  onBusy: 'deny',
  iterations: undefined,
  mirror: undefined,
  affinity: undefined,
  stepWeightPromotion: undefined,
  approve: [],
  gateTimeoutMs: 24 * 3_600 * SECOND,
  onGateTimeout: 'pause',
  metrics: [],
  webhooks: [],
  alerts: [],
  policyProblem: undefined,
};

/**
 * `settings` is complete either way: a value that can't be understood gives way to the next lower precedence. Not so
 * what is wrong with a policy: that is in `settings.policyProblem`, and no release goes on without what it says.
 */
export type ParsedSettings = { settings: Settings; warnings: string[] } & (
  | { ok: true }
  | { ok: false; violations: Violation[] }
);

/** Annotations of both levels, and the policies that they may name. */
export interface SettingSources {
  deployment: StringMap;
  namespace: StringMap;
  /** Those of the Deployment's namespace; absent: none. */
  policies?: readonly CanaryPolicy[];
}

/** Precedence: the Deployment, the CanaryPolicy that it or its Namespace names, the Namespace, what is built in. */
export const parseSettings = (sources: SettingSources): ParsedSettings => {
  const deployment = readAnnotations('deployment', sources.deployment);
  const namespace = readAnnotations('namespace', sources.namespace);
  const name = deployment.values.policy ?? namespace.values.policy;
  const policy = name === undefined ? NO_POLICY : readPolicy(name, sources.policies);
  const settings = {
    ...merge([deployment.values, policy.values, namespace.values], policy.parts),
    policyProblem: policy.problem,
  };
  const warnings = [...policy.warnings, ...unknownNames(sources.deployment, SETTING_NAMES, KNOWN)];
  const violations = [...deployment.violations, ...namespace.violations];
  return violations.length === 0
    ? { ok: true, settings, warnings }
    : { ok: false, violations, settings, warnings };
};

const readAnnotations = (source: SettingSource, annotations: StringMap): Level =>
  readLevel(
    source,
    (name) => DOMAIN + name,
    (name) => annotations[DOMAIN + name],
  );

interface PolicyLevel {
  values: Values;
  parts: PolicyParts;
  problem: PolicyProblem | undefined;
  warnings: string[];
}

const NO_POLICY: PolicyLevel = { values: {}, parts: {}, problem: undefined, warnings: [] };

const unusable = (reason: PolicyProblem['reason'], message: string): PolicyLevel => ({
  ...NO_POLICY,
  problem: { reason, message },
  warnings: [`${message}; canaries wait for it`],
});

const readPolicy = (name: string, policies: SettingSources['policies'] = []): PolicyLevel => {
  const policy = policies.find(({ metadata }) => metadata.name === name);
  const what = `CanaryPolicy ${quote(name)}`;
  if (policy === undefined)
    return unusable('PolicyNotFound', `${what}, which kanari.dev/policy names, is not in the namespace`);
  const { values, violations } = readLevel(
    'policy',
    (setting) => `spec.${fieldOf(setting)}`,
    (setting) => (PER_CHANGE.has(setting) ? undefined : textOf(policy, setting)),
  );
  const parsed = partsOf(policy);
  const faults = [...violations.map(describeViolation), ...(parsed.ok ? [] : [parsed.message])];
  if (!parsed.ok || faults.length > 0)
    return unusable('PolicyInvalid', `${what} is not understood (${faults[0] ?? ''})`);
  return { values, parts: parsed.parts, problem: undefined, warnings: [] };
};

/** Nearest first. */
type Levels = readonly [Values, Values, Values];

const merge = (levels: Levels, parts: PolicyParts): Settings => {
  const values = together(levels);
  const { match, mirror, sessionAffinity, stepWeightPromotion } = parts;
  const checks = match === undefined ? iterationsOf(levels) : values.iterations;
  return {
    ...DEFAULT_SETTINGS,
    steps: stepsOf(levels) ?? DEFAULT_SETTINGS.steps,
    propagationWaitMs: values['propagation-wait'],
    services: values.service,
    ...judgement(values),
    ...conduct(values),
    iterations: checks === undefined ? undefined : { checks, match },
    mirror: mirror?.percent,
    affinity: sessionAffinity && {
      cookie: sessionAffinity.cookieName,
      maxAgeSeconds: sessionAffinity.maxAge,
    },
    stepWeightPromotion,
    metrics: parts.metrics ?? [],
    webhooks: parts.webhooks ?? [],
    alerts: parts.alerts ?? [],
  };
};

const together = ([deployment, policy, namespace]: Levels): Values => ({
  ...namespace,
  ...policy,
  ...deployment,
});

/** What a verdict needs. */
const judgement = (values: Values): Partial<Settings> => ({
  threshold: values.threshold ?? DEFAULT_SETTINGS.threshold,
  successRate: values['success-rate'] ?? DEFAULT_SETTINGS.successRate,
  latency: values.latency ?? DEFAULT_SETTINGS.latency,
  minRequests: values['min-requests'] ?? DEFAULT_SETTINGS.minRequests,
  analysis: values.analysis ?? DEFAULT_SETTINGS.analysis,
  compare: values.compare ?? DEFAULT_SETTINGS.compare,
  onNoData: values['on-no-data'] ?? DEFAULT_SETTINGS.onNoData,
  onFailure: values['on-failure'] ?? DEFAULT_SETTINGS.onFailure,
});

/** How and when a release goes forward. */
const conduct = (values: Values): Partial<Settings> => ({
  intervalMs: values.interval ?? DEFAULT_SETTINGS.intervalMs,
  progressDeadlineMs: values['progress-deadline'] ?? DEFAULT_SETTINGS.progressDeadlineMs,
  approve: values.approve ?? DEFAULT_SETTINGS.approve,
  gateTimeoutMs: values['gate-timeout'] ?? DEFAULT_SETTINGS.gateTimeoutMs,
  onGateTimeout: values['on-gate-timeout'] ?? DEFAULT_SETTINGS.onGateTimeout,
  traffic: values.traffic ?? DEFAULT_SETTINGS.traffic,
  sidecar: values.sidecar ?? DEFAULT_SETTINGS.sidecar,
  canaryRestarts: values['canary-restarts'] ?? DEFAULT_SETTINGS.canaryRestarts,
  onBusy: values['on-busy'] ?? DEFAULT_SETTINGS.onBusy,
});

const DEFAULT_STEP_WEIGHT = 10;
const DEFAULT_MAX_WEIGHT = 50;

const saysSteps = (level: Values): boolean =>
  level.steps !== undefined || level['step-weight'] !== undefined || level['max-weight'] !== undefined;

/** The nearest level that says anything about steps decides how; `steps` before Flagger's two on the same level. */
const stepsOf = (levels: Levels): number[] | undefined => {
  const level = levels.find(saysSteps);
  if (level === undefined || level.steps !== undefined) return level?.steps;
  const both = together(levels);
  return evenSteps(both['step-weight'] ?? DEFAULT_STEP_WEIGHT, both['max-weight'] ?? DEFAULT_MAX_WEIGHT);
};

/** Weights that a nearer level asks for take their place. */
const iterationsOf = (levels: Levels): number | undefined =>
  levels.find((level) => level.iterations !== undefined || saysSteps(level))?.iterations;

const evenSteps = (stepWeight: number, maxWeight: number): number[] => {
  const count = Math.ceil(maxWeight / stepWeight);
  return Array.from({ length: count }, (_, index) => Math.min(maxWeight, (index + 1) * stepWeight));
};
