import { describe, expect, test } from 'vitest';
import { injectionFor } from '../../../src/core/injection.ts';
import { failed, opened } from './run-beginnings.ts';
import { SimulatedCluster } from './simulated-cluster.ts';

// A template that runs although nobody let it out is counted and told, once; what was let out is not.

describe('a template that came past admission', () => {
  test.each(['patch', 'put'] as const)('by a %s is counted once, across restarts too', (how) => {
    const cluster = opened();
    cluster.slip('v2', how);
    cluster.runToEnd({ seconds: 30 });
    expect(cluster.ungated).toEqual(['NotAdmitted']);
    cluster.slip('v3', how);
    cluster.runToEnd({ seconds: 30 });
    expect(cluster.ungated).toEqual(['NotAdmitted', 'NotAdmitted']);
  });

  test('while Kanari was away is counted when it is back', () => {
    const cluster = opened();
    cluster.slip('v2');
    for (let second = 0; second < 10; second += 1) cluster.tick();
    cluster.runToEnd({ seconds: 5 });
    expect(cluster.ungated).toEqual(['NotAdmitted']);
  });

  test('out of a run under way is counted, and the run withdrawn', () => {
    const cluster = opened();
    cluster.hold('v2');
    cluster.runToEnd({ until: () => cluster.weight === 20 });
    cluster.slip('v3', 'put');
    cluster.runToEnd({ seconds: 60 });
    expect(cluster.ungated).toEqual(['NotAdmitted']);
    expect([cluster.weight, cluster.canaryDeployment, cluster.destinations]).toEqual([
      undefined,
      undefined,
      false,
    ]);
  });

  test('during the rolling update of a promotion is counted', () => {
    const cluster = opened();
    cluster.hold('v2');
    cluster.runToEnd({ until: () => cluster.deployment.spec.paused === false });
    cluster.tick();
    cluster.slip('v3');
    cluster.runToEnd();
    expect(cluster.ungated).toEqual(['NotAdmitted']);
  });

  test('as the failed one that was held is counted', () => {
    const cluster = failed();
    cluster.slip('v2');
    cluster.runToEnd({ seconds: 10 });
    expect(cluster.ungated).toEqual(['NotAdmitted']);
  });
});

describe('there is no such alarm', () => {
  test.each<[string, (cluster: SimulatedCluster) => void]>([
    [
      'after a promotion',
      (cluster) => {
        cluster.hold('v2');
        cluster.runToEnd();
      },
    ],
    ['after what admission let through', (cluster) => cluster.letThrough('v2')],
    [
      'after a skip out of a hold',
      (cluster) => {
        cluster.hold('v2');
        cluster.runToEnd({ seconds: 10 });
        cluster.skip();
      },
    ],
    [
      'after a revert',
      (cluster) => {
        cluster.hold('v2');
        cluster.runToEnd({ seconds: 10 });
        cluster.hold('v1');
      },
    ],
    [
      'about what changed while it was opted out',
      (cluster) => {
        cluster.optedIn = false;
        cluster.slip('v2');
        cluster.runToEnd({ seconds: 5 });
        cluster.optedIn = true;
      },
    ],
    [
      'while a person has paused and changes gather',
      (cluster) => {
        cluster.slip('v2');
        cluster.deployment.spec.paused = true;
      },
    ],
    [
      'when the namespace joins a mesh that the template is labelled for',
      (cluster) => {
        cluster.injection = injectionFor(
          { sidecar: 'linkerd' },
          { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } },
        );
      },
    ],
  ])('%s', (_what, happens) => {
    const cluster = opened();
    happens(cluster);
    cluster.runToEnd({ seconds: 60 });
    expect(cluster.ungated).toEqual([]);
  });

  test('at the opt-in, however often the template changed before', () => {
    const cluster = new SimulatedCluster({ adopted: false });
    cluster.slip('v2');
    cluster.tick();
    cluster.runToEnd({ seconds: 20 });
    expect(cluster.ungated).toEqual([]);
  });
});
