import { COMMAND_ANNOTATION, DOMAIN, MARKS, ROLLOUTS_LABEL, SPLIT_ANNOTATION } from './marks.ts';
import { nearestName } from './nearest-name.ts';
import type { StringMap } from './objects.ts';
import type { Settings } from './run.ts';
import {
  anyText,
  duration,
  latencyObjective,
  listOf,
  objectName,
  oneOf,
  orWord,
  percentage,
  type Reader,
  weights,
  wholeNumber,
  yesOrNo,
} from './setting-readers.ts';
import { quote } from './text.ts';

// Annotations and defaults to Settings, or to a list of what can't be understood.

/** Annotation: this change goes out natively, at once; it counts in the request that changes its value. */
export const SKIP_ANNOTATION = 'kanari.dev/skip';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;
/** No sensible value is longer; a longer one is refused unread. */
const LONGEST_VALUE = 2_000;

const define = <T>(example: string, read: Reader<T>): { example: string; read: Reader<T> } => ({
  example,
  read,
});

const DEFINITIONS = {
  steps: define('10,25,50', weights),
  'step-weight': define('10', wholeNumber(1, 100)),
  'max-weight': define('50', wholeNumber(1, 100)),
  interval: define('1m', duration(5 * SECOND, DAY)),
  threshold: define('5', wholeNumber(1, 1_000)),
  'success-rate': define('99', orWord(percentage, 'off')),
  latency: define('p99<500ms', orWord(latencyObjective, 'off')),
  'min-requests': define('100', orWord(wholeNumber(1, 1_000_000), 'auto')),
  'on-no-data': define('rollback', oneOf('rollback', 'pause', 'promote')),
  'on-failure': define('rollback', oneOf('rollback', 'freeze')),
  'progress-deadline': define('10m', duration(SECOND, 7 * DAY)),
  iterations: define('10', wholeNumber(1, 1_000)),
  approve: define('promotion', listOf(oneOf('start', 'traffic', 'promotion'))),
  traffic: define('auto', oneOf('auto', 'istio', 'gateway-api', 'replicas', 'none')),
  'propagation-wait': define('10s', duration(0, HOUR)),
  service: define('web,web-internal', listOf(objectName)),
  sidecar: define('auto', oneOf('auto', 'istio', 'linkerd', 'none')),
  skip: define('incident-4711', anyText),
  'canary-restarts': define('false', yesOrNo),
  'on-busy': define('deny', oneOf('deny', 'allow')),
  policy: define('careful', objectName),
} as const;

type Definitions = typeof DEFINITIONS;
type SettingName = keyof Definitions;
type Values = { [Name in SettingName]?: Definitions[Name] extends { read: Reader<infer T> } ? T : never };

const NAMES = Object.keys(DEFINITIONS) as SettingName[];
const KNOWN = new Set([
  ...NAMES.map((name) => DOMAIN + name),
  ...MARKS,
  SPLIT_ANNOTATION,
  COMMAND_ANNOTATION,
]);

/** What holds where neither the Deployment nor its Namespace says anything. */
export const DEFAULT_SETTINGS: Settings = {
  steps: [10, 20, 30, 40, 50],
  intervalMs: 60 * SECOND,
  threshold: 5,
  successRate: 99,
  latency: { quantile: 0.99, limitMs: 500 },
  minRequests: 'auto',
  onNoData: 'rollback',
  onFailure: 'rollback',
  progressDeadlineMs: 600 * SECOND,
  traffic: 'auto',
  sidecar: 'auto',
  propagationWaitMs: undefined,
  services: undefined,
  canaryRestarts: false,
  onBusy: 'deny',
};

export type SettingSource = 'deployment' | 'namespace';

/** One annotation that can't be understood. */
export interface Violation {
  source: SettingSource;
  /** `kanari.dev/steps` */
  annotation: string;
  /** The entry of a list that is to blame, from 0. */
  index?: number;
  /** What was found, shortened. */
  got: string;
  expected: string;
  example: string;
}

/** `settings` is complete either way: a value that can't be understood gives way to the next lower precedence. */
export type ParsedSettings = { settings: Settings; warnings: string[] } & (
  | { ok: true }
  | { ok: false; violations: Violation[] }
);

/** Annotations of both levels; the Deployment's come first. */
export interface SettingSources {
  deployment: StringMap;
  namespace: StringMap;
}

export const parseSettings = (sources: SettingSources): ParsedSettings => {
  const deployment = readLevel('deployment', sources.deployment);
  const namespace = readLevel('namespace', sources.namespace);
  const settings = merge(deployment.values, namespace.values);
  const warnings = unknownNames(sources.deployment);
  const violations = [...deployment.violations, ...namespace.violations];
  return violations.length === 0
    ? { ok: true, settings, warnings }
    : { ok: false, violations, settings, warnings };
};

/** `kanari.dev/steps[2]: expected 1–100, got 120 (example: "10,25,50")` */
export const describeViolation = ({
  source,
  annotation,
  index,
  got,
  expected,
  example,
}: Violation): string => {
  const place = index === undefined ? annotation : `${annotation}[${index}]`;
  const level = source === 'namespace' ? ' of the Namespace' : '';
  return `${place}${level}: expected ${expected}, got ${got === '' ? 'nothing' : got} (example: "${example}")`;
};

const readLevel = (
  source: SettingSource,
  annotations: StringMap,
): { values: Values; violations: Violation[] } => {
  const values: Partial<Record<SettingName, unknown>> = {};
  const violations: Violation[] = [];
  for (const name of NAMES) {
    const annotation = DOMAIN + name;
    const text = annotations[annotation];
    if (typeof text !== 'string') continue;
    const { example, read } = DEFINITIONS[name];
    const reading = text.length > LONGEST_VALUE && name !== 'skip' ? TOO_LONG : read(text.trim());
    if (reading.ok) {
      values[name] = reading.value;
      continue;
    }
    const { expected, index, got = text } = reading;
    const at = index === undefined ? {} : { index };
    violations.push({ source, annotation, ...at, got: quote(got), expected, example });
  }
  // Each value came from the reader of its own name.
  return { values: values as Values, violations };
};

const TOO_LONG: { ok: false; expected: string; index?: number; got?: string } = {
  ok: false,
  expected: `at most ${LONGEST_VALUE} characters`,
};

const merge = (deployment: Values, namespace: Values): Settings => {
  const values: Values = { ...namespace, ...deployment };
  return {
    ...DEFAULT_SETTINGS,
    steps: stepsOf(deployment, namespace) ?? DEFAULT_SETTINGS.steps,
    propagationWaitMs: values['propagation-wait'],
    services: values.service,
    ...judgement(values),
    ...conduct(values),
  };
};

/** What a verdict needs. */
const judgement = (values: Values): Partial<Settings> => ({
  threshold: values.threshold ?? DEFAULT_SETTINGS.threshold,
  successRate: values['success-rate'] ?? DEFAULT_SETTINGS.successRate,
  latency: values.latency ?? DEFAULT_SETTINGS.latency,
  minRequests: values['min-requests'] ?? DEFAULT_SETTINGS.minRequests,
  onNoData: values['on-no-data'] ?? DEFAULT_SETTINGS.onNoData,
  onFailure: values['on-failure'] ?? DEFAULT_SETTINGS.onFailure,
});

/** How and when a release goes forward. */
const conduct = (values: Values): Partial<Settings> => ({
  intervalMs: values.interval ?? DEFAULT_SETTINGS.intervalMs,
  progressDeadlineMs: values['progress-deadline'] ?? DEFAULT_SETTINGS.progressDeadlineMs,
  traffic: values.traffic ?? DEFAULT_SETTINGS.traffic,
  sidecar: values.sidecar ?? DEFAULT_SETTINGS.sidecar,
  canaryRestarts: values['canary-restarts'] ?? DEFAULT_SETTINGS.canaryRestarts,
  onBusy: values['on-busy'] ?? DEFAULT_SETTINGS.onBusy,
});

const DEFAULT_STEP_WEIGHT = 10;
const DEFAULT_MAX_WEIGHT = 50;

/** The nearest level that says anything about steps decides how; `steps` before Flagger's two on the same level. */
const stepsOf = (deployment: Values, namespace: Values): number[] | undefined => {
  for (const level of [deployment, namespace]) {
    if (level.steps !== undefined) return level.steps;
    if (level['step-weight'] === undefined && level['max-weight'] === undefined) continue;
    const both: Values = { ...namespace, ...deployment };
    return evenSteps(both['step-weight'] ?? DEFAULT_STEP_WEIGHT, both['max-weight'] ?? DEFAULT_MAX_WEIGHT);
  }
  return undefined;
};

const evenSteps = (stepWeight: number, maxWeight: number): number[] => {
  const count = Math.ceil(maxWeight / stepWeight);
  return Array.from({ length: count }, (_, index) => Math.min(maxWeight, (index + 1) * stepWeight));
};

// Beyond these nobody reads on, and an object may have thousands: looking for the nearest name is what costs.
const MOST_HINTS = 10;

const unknownNames = (annotations: StringMap): string[] =>
  Object.keys(annotations)
    .filter((name) => name.startsWith(DOMAIN) && !KNOWN.has(name))
    .map((name, index) => {
      if (name === ROLLOUTS_LABEL) return `${name} is a label, not an annotation: it has no effect here`;
      const nearest = index < MOST_HINTS ? nearestName(name.slice(DOMAIN.length), NAMES) : undefined;
      const hint = nearest === undefined ? '' : `: did you mean ${DOMAIN}${nearest}?`;
      return `${quote(name)} is not an annotation of Kanari's${hint}`;
    });
