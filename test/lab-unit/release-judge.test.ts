import { beforeEach, describe, expect, it } from 'vitest';
import type { ReplicaSet } from '../../src/core/objects.ts';
import { ReleaseJudge } from '../lab/operations/release-judge.ts';

// The judge of the operations test, shown what it must object to: on the lab it would be silent for as long as Kanari
// is right.

let judge: ReleaseJudge;
beforeEach(() => {
  judge = new ReleaseJudge();
  judge.scaled(2);
  judge.begins('v1');
  judge.uid = 'd1';
  sees('v1', 2);
});

interface Seen {
  at?: number;
  gone?: boolean;
  ready?: number;
  canary?: boolean;
}

const sees = (
  tag: string,
  replicas: number,
  { at = 0, gone = false, ready = replicas, canary = false }: Seen = {},
) => {
  const version = canary ? 'canary' : 'primary';
  const owner = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    name: 'web',
    uid: canary ? 'c1' : 'd1',
    controller: true,
  };
  const set: ReplicaSet = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `web-${tag}`,
      uid: `${version}-${tag}`,
      labels: { 'kanari.dev/version': version },
      ownerReferences: [owner],
    },
    spec: {
      replicas,
      selector: {},
      template: { spec: { containers: [{ name: 'web', image: `web:${tag}` }] } },
    },
    status: { readyReplicas: ready },
  };
  judge.saw({ set, gone, at });
};

const canaryRuns = (tag: string, from: number, until: number) => {
  sees(tag, 1, { canary: true, ready: 0, at: from - 1_000 });
  sees(tag, 1, { canary: true, at: from });
  sees(tag, 0, { canary: true, gone: true, at: until });
};

describe('a template that comes up', () => {
  it('is objected to when nothing spoke for it', () => {
    sees('v2', 1);
    expect(judge.findings()).toEqual(['web-v2 (v2) runs ungated and untold, while v1 served']);
  });

  it('may when its user was told', () => {
    judge.license('v2');
    sees('v2', 1);
    expect(judge.findings()).toEqual([]);
    expect(judge.serving).toBe('v2');
  });

  it('may not when it was held after that', () => {
    judge.license('v2');
    judge.held('v2');
    sees('v2', 1);
    expect(judge.findings()).toHaveLength(1);
  });

  it('may not long after its user was told, when all was quiet in between', () => {
    judge.license('v2');
    judge.settled();
    sees('v2', 1);
    expect(judge.findings()).toHaveLength(1);
  });

  it.each([
    ['may after its canary was ready for an interval', 1_000, 9_000, 7_000, 0],
    ['may not before that', 1_000, 9_000, 4_000, 1],
    ['may not long after its canary went', 1_000, 9_000, 15_000, 1],
  ])('%s', (_, from, until, at, objections) => {
    canaryRuns('v2', from, until);
    sees('v2', 1, { at });
    expect(judge.findings()).toHaveLength(objections);
  });

  it('may when it served before, scaled up from zero', () => {
    judge.scaled(0);
    sees('v1', 0);
    judge.scaled(2);
    sees('v1', 2);
    expect(judge.findings()).toEqual([]);
  });

  it('may while its user has opted out', () => {
    judge.free = true;
    sees('v2', 2);
    expect(judge.findings()).toEqual([]);
  });
});

describe('the ReplicaSet that serves', () => {
  it('is not to lose pods that nobody asked it to give up', () => {
    sees('v1', 1);
    expect(judge.findings()).toEqual(['web-v1 (v1) serves, and was reduced to 1 of 2 pods']);
  });

  it('is not to be deleted', () => {
    sees('v1', 2, { gone: true });
    expect(judge.findings()).toHaveLength(1);
  });

  it('may shrink by its user, and in favour of what was let out', () => {
    judge.scaled(1);
    sees('v1', 1);
    judge.license('v2');
    sees('v2', 1);
    sees('v1', 0);
    expect(judge.findings()).toEqual([]);
    expect(judge.givenUp.get('primary-v1')).toBe(2);
  });
});
