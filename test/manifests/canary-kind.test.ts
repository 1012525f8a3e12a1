import { describe, expect, it } from 'vitest';
import type { CanaryStatus } from '../../src/core/run.ts';
import { definitionOf, type Schema, undescribed } from './manifests.ts';

type Complete<T> = T extends readonly (infer Item)[]
  ? Complete<Item>[]
  : T extends object
    ? { [Key in keyof T]-?: Complete<Exclude<T[Key], undefined>> }
    : T;

// A field added to the status does not compile until it is here, and is red here until the schema has it:
// the API server drops unknown fields without a word.
const AT = '2026-11-21T00:00:00Z';
const COUNTS = { requests: 1, errors: 1, timed: 1, slow: 1 };
const FAST_PATH = { n: 1, x: 1, logE: 0.5, latest: { verdicts: 1, logBefore: -0.5, n: 1, x: 1 } };
const RELATIVE_PATH = {
  pending: { canary: { n: 1, x: 1 }, primary: { n: 1, x: 1 } },
  logs: [0.5],
  logE: 0.5,
  latest: { verdicts: 1, logBefore: -0.5, logs: [0.5] },
};
const COMPLETE: Complete<CanaryStatus> = {
  observedGeneration: 1,
  phase: 'Progressing',
  canaryWeight: 10,
  step: 0,
  iterations: 0,
  failedChecks: 0,
  run: {
    id: 'i',
    revision: 'r',
    images: ['i'],
    startedAt: AT,
    milestones: {
      destinations: AT,
      split: AT,
      canaryKnown: AT,
      weightZero: AT,
      canaryGone: AT,
      restored: AT,
    },
    primaryRevision: 'r',
    endedAt: AT,
    waitingSince: AT,
    stepSince: AT,
    gates: [{ at: 'start', since: AT, approvedAt: AT, overdueAt: AT, openedAt: AT }],
    passedAt: AT,
    pausedAt: AT,
    heard: 'promote',
    calls: [{ id: 'i', state: 'under-way', since: AT, attempt: 1, againAt: AT, message: 'm' }],
    limits: [{ reason: 'r', message: 'm' }],
    given: 'weight',
    ailing: { since: AT, ready: 1 },
    routes: {
      share: {
        weight: 10,
        match: [
          { headers: { a: { exact: 'x' } }, cookies: { b: { prefix: 'x' } }, query: { c: { regex: 'x' } } },
        ],
        mirror: 1,
        affinity: { cookie: 'c', maxAgeSeconds: 1, token: 't' },
      },
      state: 'stands',
      since: AT,
      undone: 1,
    },
    primaryShortSince: AT,
    restarts: [{ pod: 'p', container: 'c', count: 1, judged: 0, outOfMemory: true, last: 'l' }],
    unstartedSince: AT,
    metricsOutage: { step: AT, since: AT, lostMs: 1, overAt: AT },
    evidence: {
      since: AT,
      sampledAt: AT,
      source: 's',
      pods: [{ pod: 'p', ...COUNTS }],
      total: COUNTS,
      judged: COUNTS,
      fastErrors: FAST_PATH,
      fastSlow: FAST_PATH,
      primary: {
        pods: [{ pod: 'p', ...COUNTS }],
        total: COUNTS,
        judged: COUNTS,
        errors: RELATIVE_PATH,
        slow: RELATIVE_PATH,
      },
    },
    ending: { outcome: 'Promoted', reason: 'r', message: 'm', weight: 10, decidedAt: AT },
  },
  primary: { revision: 'r', replicaSet: 's', replicas: 1, ready: 1 },
  canary: { revision: 'r', replicaSet: 's', replicas: 1, ready: 1 },
  checks: [
    {
      metric: 'latency',
      value: 'v',
      limit: 'l',
      requests: 1,
      verdict: 'pass',
      confidence: 'c',
      reason: 'r',
      message: 'm',
    },
  ],
  outlook: { checkAt: AT, waitsFor: 'w', promotionAt: AT },
  lastTransitionTime: AT,
  reason: 'r',
  message: 'm',
  failedRevision: 'r',
  history: [{ revision: 'r', images: ['i'], started: AT, ended: AT, outcome: 'Promoted', reason: 'r' }],
  conditions: [
    {
      type: 'Promoted',
      status: 'True',
      reason: 'r',
      message: 'm',
      lastTransitionTime: AT,
      lastUpdateTime: AT,
      observedGeneration: 1,
    },
  ],
};

const JSON_TYPES: Readonly<Record<string, string>> = { integer: 'number' };

/** Paths at which a value does not fit the schema; properties unknown to it included. */
const misfits = (schema: Schema | undefined, value: unknown, path: string): string[] => {
  const expected = JSON_TYPES[schema?.type ?? ''] ?? schema?.type;
  const actual = Array.isArray(value) ? 'array' : typeof value;
  if (expected !== actual) return [`${path}: schema ${expected ?? 'nothing'}, status ${actual}`];
  if (Array.isArray(value))
    return value.flatMap((item, index) => misfits(schema?.items, item, `${path}[${index}]`));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    misfits(schema?.properties?.[key] ?? schema?.additionalProperties, item, `${path}.${key}`),
  );
};

describe('the Canary kind', () => {
  const version = definitionOf('Canary');
  const schema = version.schema.openAPIV3Schema;

  it('keeps every field of the status', () => {
    expect(misfits(schema.properties!['status'], COMPLETE, 'status')).toEqual([]);
  });

  it('describes every field for kubectl explain', () => {
    expect(undescribed(schema.properties!['status']!, 'status')).toEqual([]);
    expect(schema.properties!['spec']!.description).toEqual(expect.any(String));
  });

  it('is printed as the users of Flagger know it', () => {
    const columns = version.additionalPrinterColumns as {
      name: string;
      jsonPath: string;
      priority?: number;
    }[];
    expect(
      columns.map(({ name, jsonPath, priority = 0 }) => [name.toUpperCase(), jsonPath, priority]),
    ).toEqual([
      ['STATUS', '.status.phase', 0],
      ['WEIGHT', '.status.canaryWeight', 0],
      ['LASTTRANSITIONTIME', '.status.lastTransitionTime', 0],
      ['MESSAGE', '.status.message', 0],
      ['REVISION', '.status.run.revision', 1],
      ['PROMOTION', '.status.outlook.promotionAt', 1],
    ]);
  });

  it('has its status apart, so that nobody edits it by accident', () => {
    expect(version.subresources).toEqual({ status: {} });
  });
});
