import { expect, test } from 'vitest';
import type { PodCounters } from '../../src/core/counts.ts';
import { foldEvidence, newEvidence } from '../../src/core/evidence.ts';
import type { Pod } from '../../src/core/objects.ts';
import type { EvidenceReading } from '../../src/core/snapshot.ts';
import { evidenceOfRun } from '../../src/scheduler/evidence-of-run.ts';

const pod = (name: string, podIP: string, revision: string): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'shop', annotations: { 'kanari.dev/revision': revision } },
  status: { podIP },
});

/** The canary's pods; those of the superseded revision are on their way out, or gone. */
const PODS = [pod('web-canary-2-a', '10.0.0.2', 'now'), pod('web-canary-1-a', '10.0.0.1', 'before')];
const LIMITS = { successRate: 99, latency: 'off', compare: 'limit' } as const;
const SINCE = '2026-11-21T02:00:00Z';

const counters = (name: string, requests: number, errors = 0): PodCounters => ({
  pod: name,
  requests,
  errors,
  timed: 0,
  slow: 0,
});

/** What two looks in a row come to, both with the same counters but for ten more requests each. */
const total = (names: string[]) => {
  const look = (more: number): EvidenceReading => ({
    kind: 'samples',
    at: `2026-11-21T02:00:0${1 + more / 10}Z`,
    pods: names.map((name) => counters(name, 100 + more, 50)),
  });
  return [look(0), look(10)].reduce((evidence, reading) => {
    const seen = evidenceOfRun(reading, 'web-canary', PODS, 'now');
    return seen.kind === 'samples' ? foldEvidence(evidence, seen, LIMITS) : evidence;
  }, newEvidence(SINCE)).total;
};

test.each([
  ['a pod of the revision under test counts whole', 'web-canary-2-a', { requests: 110, errors: 50 }],
  ['a pod of a superseded revision does not count', 'web-canary-1-a', { requests: 0, errors: 0 }],
  ['one that is gone does not count', 'web-canary-0-a', { requests: 0, errors: 0 }],
  [
    "the address of a pod under test counts as the pod's name",
    '10.0.0.2:15020',
    { requests: 110, errors: 50 },
  ],
  [
    'an address of a superseded pod counts from when it was seen',
    '10.0.0.1:15020',
    { requests: 10, errors: 0 },
  ],
  ['an address of nobody counts from when it was seen', '[fd00::9]:15020', { requests: 10, errors: 0 }],
  ['a scraped host of another name counts whole', 'agent.monitoring:8888', { requests: 110, errors: 50 }],
])('%s', (_, name, expected) => {
  expect(total([name])).toMatchObject(expected);
});

test('an answer without samples stays what it is', () => {
  const empty: EvidenceReading = { kind: 'empty', reason: 'NoSamples', message: 'no samples' };
  expect(evidenceOfRun(empty, 'web-canary', PODS, 'now')).toBe(empty);
});
