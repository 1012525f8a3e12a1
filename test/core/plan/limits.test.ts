import { describe, expect, test } from 'vitest';
import { opened } from './run-beginnings.ts';
import type { SimulatedCluster } from './simulated-cluster.ts';

// Traffic that does not follow the share as asked.

const FOREIGN = { reason: 'ForeignRoute', message: 'VirtualService edge/front routes past the split' };
const PORT = { reason: 'UnroutedPort', message: 'port 443 of web carries TLS' };

const toldOf = ({ events }: SimulatedCluster, { message }: { message: string }): number =>
  events.filter((event) => event === message).length;

describe('limits of the traffic', () => {
  test('are told once in a run, kept with it, and told anew in the next', () => {
    const cluster = opened();
    cluster.routed = false;
    cluster.limits = [FOREIGN];
    cluster.hold('v2');
    cluster.runToEnd({ until: () => toldOf(cluster, FOREIGN) > 0 });
    expect(cluster.canary?.status).toMatchObject({ run: { limits: [FOREIGN] } });
    cluster.runToEnd();
    expect(cluster.phase).toBe('Succeeded');
    expect(toldOf(cluster, FOREIGN)).toBe(1);
    cluster.hold('v3');
    cluster.runToEnd();
    expect(toldOf(cluster, FOREIGN)).toBe(2);
  });

  test('that appear mid-run are told then, and one that comes and goes only once', () => {
    const cluster = opened();
    cluster.limits = [FOREIGN];
    cluster.hold('v2');
    cluster.runToEnd({ until: () => cluster.weight === 20 });
    cluster.limits = [PORT];
    cluster.runToEnd({ until: () => cluster.weight === 50 });
    cluster.limits = [FOREIGN, PORT];
    cluster.runToEnd();
    expect([toldOf(cluster, FOREIGN), toldOf(cluster, PORT)]).toEqual([1, 1]);
    expect(cluster.phase).toBe('Succeeded');
  });

  test('concern nobody without a run', () => {
    const cluster = opened();
    cluster.limits = [FOREIGN];
    cluster.runToEnd({ seconds: 10 });
    expect(toldOf(cluster, FOREIGN)).toBe(0);
  });
});

describe('pods of another workload behind the Service', () => {
  test('keep no run waiting where the number of pods shares the traffic out', () => {
    const cluster = opened();
    cluster.routed = false;
    cluster.strangers = 2;
    cluster.hold('v2');
    cluster.runToEnd();
    expect(cluster.phase).toBe('Succeeded');
  });

  test('keep one waiting whose split would cut them off', () => {
    const cluster = opened();
    cluster.strangers = 2;
    cluster.hold('v2');
    cluster.runToEnd({ seconds: 60 });
    expect(cluster.weight).toBe(0);
    expect(cluster.canary?.status?.reason).toBe('PrimaryNotReady');
  });
});
