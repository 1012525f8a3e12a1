import { describe, expect, it } from 'vitest';
import { createHealth, renderHealth } from '../../src/telemetry/health.ts';

describe('health', () => {
  it('is good when nothing is checked', () => {
    expect(createHealth().readiness()).toEqual({ ok: true, checks: [] });
  });

  it('names every check and says what is wrong', () => {
    const health = createHealth();
    health.addReadiness('certificate', () => undefined);
    health.addReadiness('caches', () => 'Deployments are not listed yet');
    expect(health.readiness().ok).toBe(false);
    expect(renderHealth(health.readiness())).toBe(
      '[+] certificate ok\n[-] caches: Deployments are not listed yet\nfailed\n',
    );
  });

  it('says what is worth knowing though all is well', () => {
    const health = createHealth();
    health.addReadiness(
      'certificate',
      () => undefined,
      () => 'the new files are not used: WrongKey',
    );
    expect(health.readiness().ok).toBe(true);
    expect(renderHealth(health.readiness())).toContain(
      '[+] certificate ok: the new files are not used: WrongKey\n',
    );
  });

  it('keeps liveness and readiness apart', () => {
    const health = createHealth();
    health.addReadiness('caches', () => 'no');
    expect(health.liveness().ok).toBe(true);
  });

  it('is bad when a check throws', () => {
    const health = createHealth();
    health.addLiveness('loop', () => {
      throw new Error('stuck');
    });
    expect(health.liveness()).toEqual({ ok: false, checks: [{ name: 'loop', problem: 'stuck' }] });
  });
});
