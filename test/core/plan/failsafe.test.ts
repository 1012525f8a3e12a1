import { describe, expect, test } from 'vitest';
import { HELD_BY_MARK, PRIMARY_MARK, RUN_MARK, WEIGHT_MARK } from '../../../src/core/marks.ts';
import { plan } from '../../../src/core/plan/plan.ts';
import { revisionOf } from '../../../src/core/revision.ts';
import { at, opened, outcomes } from './run-beginnings.ts';
import { templateOf } from './simulated-admission.ts';
import type { SimulatedCluster } from './simulated-cluster.ts';

// What the failsafe has done while Kanari was dead, and what Kanari makes of it. The cluster checks that nothing is
// promoted without the mark of its run.

const marks = ({ deployment: { metadata } }: SimulatedCluster) => metadata.annotations ?? {};
const revision = (cluster: SimulatedCluster, tag: string) => revisionOf(templateOf(tag), cluster.injection);
const runId = (cluster: SimulatedCluster) => cluster.canary?.status?.run?.id;
const serves = (cluster: SimulatedCluster) =>
  cluster.replicaSets.find(({ spec }) => (spec.replicas ?? 0) > 0)?.spec.template.spec.containers?.[0]?.image;

describe('a hold of the failsafe', () => {
  test('gets the marks of its run and of what serves before the run begins', () => {
    const cluster = opened();
    cluster.holdAlone('v2');
    cluster.look();
    expect(marks(cluster)).toMatchObject({
      [RUN_MARK]: revision(cluster, 'v2'),
      [PRIMARY_MARK]: revision(cluster, 'v1'),
      [WEIGHT_MARK]: '0',
      [HELD_BY_MARK]: 'webhook',
    });
    expect(runId(cluster)).toBeUndefined();
  });

  test.each([true, false])('becomes a canary and is promoted (pods adopted before: %s)', (adopted) => {
    const cluster = opened({ adopted });
    cluster.holdAlone('v2');
    cluster.runToEnd();
    expect(outcomes(cluster)).toEqual(['Promoted']);
    expect(serves(cluster)).toBe('web:v2');
    expect(marks(cluster)).not.toHaveProperty([HELD_BY_MARK]);
  });

  test('of another template overtakes the run that was under way', () => {
    const cluster = at(50);
    cluster.holdAlone('v3');
    cluster.look();
    expect(cluster.weight).toBe(0);
    cluster.runToEnd();
    expect(outcomes(cluster)).toEqual(['Promoted', 'Superseded']);
    expect(serves(cluster)).toBe('web:v3');
  });

  test.each([
    ['a run was under way', () => at(20)],
    ['nothing ran', opened],
    ['no pod was adopted', () => opened({ adopted: false })],
  ] as const)('of the template that serves is released without a restart, where %s', (_, before) => {
    const cluster = before();
    cluster.holdAlone('v2');
    cluster.holdAlone('v1');
    cluster.runToEnd();
    expect({ restarts: cluster.restarts, paused: cluster.deployment.spec.paused }).toEqual({
      restarts: 0,
      paused: false,
    });
    expect(serves(cluster)).toBe('web:v1');
  });

  test('against a resume lets the run go on where it was', () => {
    const cluster = at(20);
    const before = runId(cluster);
    cluster.resumeAlone();
    cluster.runToEnd({ until: () => cluster.weight === 50 });
    expect(runId(cluster)).toBe(before);
    expect(marks(cluster)[HELD_BY_MARK]).toBe('webhook');
  });

  test('against a resume of a failed template starts nothing', () => {
    const cluster = opened();
    cluster.hold('v3');
    cluster.errorRate['v3'] = 0.3;
    cluster.runToEnd();
    cluster.resumeAlone();
    cluster.runToEnd({ seconds: 30 });
    expect(outcomes(cluster)).toEqual(['RolledBack']);
    expect(marks(cluster)[HELD_BY_MARK]).toBe('webhook');
    const { writes } = cluster;
    cluster.runToEnd({ seconds: 10 });
    expect(cluster.writes).toBe(writes);
  });

  test('finds what serves by its pods, where another template went out before', () => {
    const cluster = opened();
    cluster.releaseAlone('v2');
    cluster.tick();
    cluster.holdAlone('v3');
    cluster.look();
    expect(marks(cluster)[PRIMARY_MARK]).toBe(revision(cluster, 'v2'));
    cluster.runToEnd();
    expect(outcomes(cluster)).toEqual(['Promoted']);
    expect(serves(cluster)).toBe('web:v3');
  });

  test('names no primary while no pod tells what served', () => {
    const cluster = opened();
    cluster.holdAlone('v2');
    cluster.replicaSets = [];
    expect(plan(cluster.snapshot(), cluster.now).effects).toMatchObject([
      { kind: 'setMarks', marks: expect.not.objectContaining({ [PRIMARY_MARK]: expect.anything() }) },
    ]);
  });
});

test('marks of a hold that was ended by hand are taken off: a pause of a person would look like a hold', () => {
  const cluster = opened();
  cluster.deployment.metadata.annotations = {
    ...marks(cluster),
    [RUN_MARK]: '1-0',
    [HELD_BY_MARK]: 'failsafe',
  };
  cluster.runToEnd({ seconds: 5 });
  expect(marks(cluster)).not.toHaveProperty([RUN_MARK]);
  expect(marks(cluster)).not.toHaveProperty([HELD_BY_MARK]);
});
