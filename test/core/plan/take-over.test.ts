import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSettings } from '../../../src/core/settings.ts';
import { SlowGateway } from './slow-gateway.ts';

const PATIENT = 400;

const released = (change: (cluster: SlowGateway) => void = () => undefined, tag = 'v2'): SlowGateway => {
  const cluster = new SlowGateway();
  cluster.errorRate['bad'] = 0.5;
  cluster.runToEnd({ seconds: 3 });
  change(cluster);
  cluster.hold(tag);
  return cluster;
};

const shortened = (cluster: SlowGateway): void => {
  const annotations = {
    'kanari.dev/steps': '20,50',
    'kanari.dev/interval': '5s',
    'kanari.dev/progress-deadline': '30s',
  };
  cluster.settings = parseSettings({ deployment: annotations, namespace: {} }).settings;
};

const isOver = (cluster: SlowGateway): void =>
  expect([cluster.share, cluster.destinations, cluster.canaryDeployment]).toEqual([
    undefined,
    false,
    undefined,
  ]);

describe('a Gateway that takes its time', () => {
  it('is waited for by name, and a canary has no pod before', () => {
    const cluster = released((each) => {
      each.lag = 20;
    });
    cluster.runToEnd({ seconds: 12 });
    expect(cluster.canary?.status).toMatchObject({
      reason: 'WaitingForProxies',
      message: 'Gateway edge has not taken it over',
    });
    expect(cluster.canaryDeployment).toBeUndefined();
    cluster.runToEnd({ seconds: PATIENT });
    expect(cluster.phase).toBe('Succeeded');
    isOver(cluster);
  });

  it('costs no write while it is waited for', () => {
    const cluster = released((each) => {
      each.lag = 60;
    });
    cluster.runToEnd({ seconds: 12 });
    const { writes } = cluster;
    cluster.runToEnd({ seconds: 10 });
    expect(cluster.writes).toBe(writes);
  });

  it('has until the progress deadline; then the run is rolled back and leaves nothing', () => {
    const cluster = released((each) => {
      shortened(each);
      each.lag = 10_000;
    });
    cluster.runToEnd({ seconds: PATIENT });
    expect(cluster.canary?.status).toMatchObject({ phase: 'Failed', reason: 'RouteNotAccepted' });
    isOver(cluster);
  });

  it('keeps the canary’s pods as long as it may send them requests, and says why', () => {
    const cluster = released(shortened, 'bad');
    cluster.runToEnd({ until: () => cluster.weight === 20 });
    cluster.lag = 40;
    cluster.runToEnd({ until: () => cluster.weight === 0 });
    cluster.runToEnd({ seconds: 20 });
    expect(cluster.canaryDeployment).toBeDefined();
    expect(cluster.canary?.status?.message).toMatch(/; waiting: Gateway edge has not taken it over$/);
    cluster.lag = 0;
    cluster.runToEnd({ seconds: PATIENT });
    expect(cluster.phase).toBe('Failed');
    isOver(cluster);
  });
});

describe('a Gateway that refuses', () => {
  it('has the run rolled back with its own words', () => {
    const cluster = released((each) => {
      shortened(each);
      each.refusal = 'Gateway edge says that Accepted is False';
    });
    cluster.runToEnd({ seconds: PATIENT });
    expect(cluster.canary?.status).toMatchObject({
      phase: 'Failed',
      reason: 'RouteNotAccepted',
      message: 'Gateway edge says that Accepted is False',
    });
    isOver(cluster);
  });

  it('mid-run keeps nothing from being withdrawn: it has seen the weight go', () => {
    const cluster = released(shortened);
    cluster.runToEnd({ until: () => cluster.weight === 20 });
    cluster.refusal = 'Gateway edge says that ResolvedRefs is False';
    cluster.runToEnd({ seconds: PATIENT });
    expect(cluster.canary?.status).toMatchObject({ phase: 'Failed', reason: 'RouteNotAccepted' });
    isOver(cluster);
  });
});

describe('a Service', () => {
  it('is not narrowed away from endpoints without the label', () => {
    const cluster = released((each) => {
      each.unlabelled = 1;
    });
    cluster.runToEnd({ seconds: 20 });
    expect(cluster.canary?.status).toMatchObject({ reason: 'PrimaryNotReady' });
    expect(cluster.destinations).toBe(false);
    cluster.unlabelled = 0;
    cluster.runToEnd({ seconds: PATIENT });
    expect(cluster.phase).toBe('Succeeded');
  });
});

it('however slow a Gateway is and wherever Kanari dies, no request is sent where nobody answers', () => {
  const action = fc.oneof(
    fc.record({ lag: fc.integer({ min: 0, max: 15 }), seconds: fc.integer({ min: 1, max: 20 }) }),
    fc.record({ kill: fc.integer({ min: 0, max: 3 }) }),
    fc.record({ apply: fc.constantFrom('v1', 'v2', 'bad') }),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 12 }), (actions) => {
      const cluster = released();
      for (const each of actions) {
        if ('kill' in each) cluster.look(each.kill);
        else if ('lag' in each) {
          cluster.lag = each.lag;
          cluster.runToEnd({ seconds: each.seconds });
        } else if (cluster.deployment.spec.paused === true) cluster.hold(each.apply);
      }
      cluster.lag = 0;
      cluster.runToEnd({ seconds: PATIENT });
      isOver(cluster);
    }),
    { numRuns: 25 },
  );
});
