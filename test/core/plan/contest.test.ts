import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { outcomes } from './run-beginnings.ts';
import { SimulatedCluster } from './simulated-cluster.ts';
import { REWRITTEN } from './simulated-traffic.ts';

// Others rewrite the routes of a run.

const at = (weight: number): SimulatedCluster => {
  const cluster = new SimulatedCluster();
  cluster.runToEnd({ seconds: 3 });
  cluster.hold('v2');
  cluster.runToEnd({ until: () => cluster.weight === weight });
  cluster.look();
  return cluster;
};

/** Somebody applies their own routes where no admission of Kanari's answers. */
const undo = (cluster: SimulatedCluster): void => {
  cluster.share = undefined;
};

const isHeld = (cluster: SimulatedCluster): boolean => cluster.canary?.status?.reason === 'RoutesContested';
const UNDOING = ['at once', 'later', 'destinations'] as const;

describe('a split that others undo', () => {
  it('is written anew at once, and who did it is told', () => {
    const cluster = at(20);
    undo(cluster);
    cluster.look();
    expect(cluster.weight).toBe(20);
    expect(cluster.events.at(-1)).toBe(`The split of web does not stand any more (1): ${REWRITTEN}`);
  });

  it('is written anew while the canary starts, for an unsplit route would reach it', () => {
    const cluster = at(0);
    cluster.neverReady.add('v2');
    cluster.runToEnd({ until: () => cluster.canaryDeployment !== undefined });
    undo(cluster);
    cluster.look();
    expect(cluster.weight).toBe(0);
  });

  it('is written anew the second time after a pause, in which routes applied one by one are gathered', () => {
    const cluster = at(20);
    for (const _ of [1, 2]) {
      undo(cluster);
      cluster.look();
      cluster.look();
    }
    expect(cluster.canary?.status?.reason).toBe('RoutesRewritten');
    expect(cluster.weight).toBeUndefined();
    cluster.runToEnd({ seconds: 3 });
    expect(cluster.weight).toBe(20);
  });

  it.each(UNDOING)('again and again (%s) is written three times more, and then no more', (undoing) => {
    const cluster = at(20);
    const before = cluster.shares.length;
    cluster.undoing = undoing;
    cluster.runToEnd({ until: () => isHeld(cluster) });
    cluster.runToEnd({ seconds: 30 });
    const shares = cluster.shares.slice(before);
    // A run repeats its own first write for some seconds, for nobody may have seen it yet.
    const most = undoing === 'at once' ? 3 + 4 : 3;
    expect(shares.filter(({ weight }) => weight > 0).length).toBeLessThanOrEqual(most);
    expect(cluster.canary?.status).toMatchObject({ phase: 'Paused', canaryWeight: 0, step: -1 });
    expect(cluster.canary?.status?.message).toContain(REWRITTEN);
    expect(cluster.events.filter((event) => event.startsWith('Halt web'))).toHaveLength(1);
    expect({ canary: cluster.canaryDeployment, destinations: cluster.destinations }).toEqual({
      canary: undefined,
      destinations: false,
    });
  });

  it.each(UNDOING)('(%s) is tried now and then, and the run goes on when it is let stand', (undoing) => {
    const cluster = at(20);
    cluster.undoing = undoing;
    cluster.runToEnd({ until: () => isHeld(cluster) });
    const before = cluster.shares.length;
    cluster.runToEnd({ seconds: 300 });
    expect(cluster.shares.length - before).toBeLessThanOrEqual(60);
    expect({ canary: cluster.canaryDeployment, outcomes: outcomes(cluster) }).toEqual({
      canary: undefined,
      outcomes: [],
    });
    cluster.undoing = 'nothing';
    cluster.runToEnd();
    expect(outcomes(cluster)).toEqual(['Promoted']);
  });

  it('every few minutes is no fight', () => {
    const cluster = at(20);
    cluster.metrics = 'down';
    for (let time = 0; time < 8; time += 1) {
      undo(cluster);
      cluster.runToEnd({ seconds: 70 });
      expect(cluster.weight).toBe(20);
    }
  });

  it('holds no run up that is reverted, superseded or ended by a person', () => {
    const fought = (): SimulatedCluster => {
      const cluster = at(20);
      cluster.undoing = 'later';
      cluster.runToEnd({ until: () => isHeld(cluster) });
      return cluster;
    };
    const reverted = fought();
    reverted.hold('v1');
    reverted.runToEnd();
    expect(outcomes(reverted)).toEqual(['Reverted']);
    const aborted = fought();
    aborted.command = 'abort';
    aborted.runToEnd();
    expect(outcomes(aborted)).toEqual(['Aborted']);
    const superseded = fought();
    superseded.undoing = 'nothing';
    superseded.hold('v3');
    superseded.runToEnd();
    expect(outcomes(superseded)).toEqual(['Promoted', 'Superseded']);
  });

  it.each(UNDOING)('(%s) does not keep a bad release from its end', (undoing) => {
    const cluster = at(20);
    cluster.errorRate['v2'] = 1;
    cluster.runToEnd({ until: () => cluster.canary?.status?.run?.ending !== undefined });
    cluster.undoing = undoing;
    cluster.runToEnd();
    expect(outcomes(cluster)).toEqual(['RolledBack']);
    expect(cluster.canaryDeployment).toBeUndefined();
  });

  it('is counted across restarts', () => {
    const kills = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 5, maxLength: 60 });
    const property = fc.property(kills, fc.constantFrom('later', 'destinations'), (after, undoing) => {
      const cluster = at(20);
      const before = cluster.shares.length;
      cluster.undoing = undoing;
      const killAfter = () => after.shift() ?? Number.POSITIVE_INFINITY;
      cluster.runToEnd({ seconds: 60, killAfter, until: () => isHeld(cluster) });
      expect(isHeld(cluster)).toBe(true);
      expect(cluster.shares.slice(before).filter(({ weight }) => weight > 0).length).toBeLessThanOrEqual(3);
    });
    fc.assert(property, { numRuns: 50 });
  });
});
