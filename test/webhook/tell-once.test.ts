import { describe, expect, it } from 'vitest';
import type { Deployment } from '../../src/core/objects.ts';
import { tellOnce } from '../../src/webhook/tell-once.ts';
import { deployment } from '../core/deployment-fixtures.ts';

const setUp = () => {
  const told: string[] = [];
  const clock = { now: 0 };
  const tell = tellOnce(
    ({ metadata: { uid = 'none', generation = 0 } }, reason) => told.push(`${uid} ${generation} ${reason}`),
    () => clock.now,
  );
  return { tell, told, clock };
};

const at = (uid: string, generation: number): Deployment => deployment({ metadata: { uid, generation } });

describe('an ungated change', () => {
  it('that the API server takes to admission again is told once', () => {
    const { tell, told } = setUp();
    tell(at('web', 3), 'Skipped');
    tell(at('shop', 3), 'RestartOnly');
    tell(at('web', 3), 'Skipped');
    expect(told).toEqual(['web 3 Skipped', 'shop 3 RestartOnly']);
  });

  it('from the next generation is another one', () => {
    const { tell, told } = setUp();
    tell(at('web', 3), 'Skipped');
    tell(at('web', 4), 'Skipped');
    expect(told).toEqual(['web 3 Skipped', 'web 4 Skipped']);
  });

  it('whose first try is asked about after a later one is told once each', () => {
    const { tell, told } = setUp();
    for (const generation of [3, 4, 3, 4]) tell(at('web', generation), 'Skipped');
    expect(told).toEqual(['web 3 Skipped', 'web 4 Skipped']);
  });

  it('for another reason is another one', () => {
    const { tell, told } = setUp();
    tell(at('web', 3), 'Skipped');
    tell(at('web', 3), 'RestartOnly');
    expect(told).toHaveLength(2);
  });

  it('that comes again later is told again: what somebody else refused may be stored now', () => {
    const { tell, told, clock } = setUp();
    tell(at('web', 3), 'Skipped');
    clock.now = 10_000;
    tell(at('web', 3), 'Skipped');
    expect(told).toHaveLength(2);
  });

  it('of a Deployment that is created has no generation yet, and is told', () => {
    const { tell, told } = setUp();
    const { uid: _, generation: __, ...metadata } = at('web', 1).metadata;
    tell({ ...at('web', 1), metadata }, 'NoHistory');
    tell({ ...at('web', 1), metadata }, 'NoHistory');
    expect(told).toEqual(['none 0 NoHistory', 'none 0 NoHistory']);
  });

  it('is forgotten after a thousand others, so that memory is bounded', () => {
    const { tell, told } = setUp();
    tell(at('web', 3), 'Skipped');
    for (let other = 0; other < 1_000; other += 1) tell(at(`other-${other}`, 1), 'Skipped');
    tell(at('web', 3), 'Skipped');
    expect(told.filter((line) => line === 'web 3 Skipped')).toHaveLength(2);
    tell(at('other-999', 1), 'Skipped');
    expect(told).toHaveLength(1_002);
  });
});
