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

// Every setting, and how one level that may say something of it is read.

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
  analysis: define('sequential', oneOf('threshold', 'sequential')),
  compare: define('primary', oneOf('limit', 'primary')),
  'on-no-data': define('rollback', oneOf('rollback', 'pause', 'promote')),
  'on-failure': define('rollback', oneOf('rollback', 'freeze')),
  'progress-deadline': define('10m', duration(SECOND, 7 * DAY)),
  iterations: define('10', wholeNumber(1, 1_000)),
  approve: define('promotion', listOf(oneOf('start', 'traffic', 'promotion'))),
  'gate-timeout': define('24h', duration(SECOND, 30 * DAY)),
  'on-gate-timeout': define('pause', oneOf('pause', 'rollback', 'proceed')),
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
export type SettingName = keyof Definitions;
export type Values = {
  [Name in SettingName]?: Definitions[Name] extends { read: Reader<infer T> } ? T : never;
};

export const SETTING_NAMES = Object.keys(DEFINITIONS) as SettingName[];

export type SettingSource = 'deployment' | 'policy' | 'namespace';

/** One value that can't be understood. */
export interface Violation {
  source: SettingSource;
  /** `kanari.dev/steps`; of a policy `spec.steps`. */
  annotation: string;
  /** The entry of a list that is to blame, from 0. */
  index?: number;
  /** What was found, shortened. */
  got: string;
  expected: string;
  example: string;
}

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

const TOO_LONG: { ok: false; expected: string; index?: number; got?: string } = {
  ok: false,
  expected: `at most ${LONGEST_VALUE} characters`,
};

/** What one level says, and what of it can't be understood. */
export interface Level {
  values: Values;
  violations: Violation[];
}

/**
 * Reads every setting of one level.
 * @param placeOf how people find the setting there
 * @param textAt what the level says of it, if it is a text
 */
export const readLevel = (
  source: SettingSource,
  placeOf: (name: SettingName) => string,
  textAt: (name: SettingName) => unknown,
): Level => {
  const values: Partial<Record<SettingName, unknown>> = {};
  const violations: Violation[] = [];
  for (const name of SETTING_NAMES) {
    const text = textAt(name);
    if (typeof text !== 'string') continue;
    const { example, read } = DEFINITIONS[name];
    const reading = text.length > LONGEST_VALUE && name !== 'skip' ? TOO_LONG : read(text.trim());
    if (reading.ok) {
      values[name] = reading.value;
      continue;
    }
    const { expected, index, got = text } = reading;
    const at = index === undefined ? {} : { index };
    violations.push({ source, annotation: placeOf(name), ...at, got: quote(got), expected, example });
  }
  // Each value came from the reader of its own name.
  return { values: values as Values, violations };
};
