import { Writable } from 'node:stream';
import { describe, expect, it, test } from 'vitest';
import { createLog, prettyLine } from '../../src/telemetry/log.ts';

const capture = (isTTY: boolean) => {
  const written: string[] = [];
  const output = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      written.push(chunk.toString());
      done();
    },
  });
  return { written, output: Object.assign(output, { isTTY }) };
};

describe('the log', () => {
  it('is one line of JSON per event', () => {
    const { written, output } = capture(false);
    createLog('info', output).info({ rollout: 'shop/web', weight: 20 }, 'step advanced');
    expect(JSON.parse(written.join(''))).toMatchObject({
      level: 30,
      rollout: 'shop/web',
      weight: 20,
      msg: 'step advanced',
    });
  });

  it('leaves out what is less severe than its level', () => {
    const { written, output } = capture(false);
    createLog('warn', output).info('step advanced');
    expect(written).toEqual([]);
  });

  it('is readable on a terminal', async () => {
    const { written, output } = capture(true);
    createLog('info', output).info({ rollout: 'shop/web' }, 'step advanced');
    await new Promise(setImmediate);
    expect(written.join('')).toMatch(/^\d\d:\d\d:\d\d\.\d{3} INFO {2}step advanced rollout=shop\/web\n$/);
  });

  test.each([
    { authorization: 'SECRET' },
    { headers: { authorization: 'Bearer SECRET' } },
    { err: { config: { headers: { Authorization: 'SECRET' } } } },
    { token: 'SECRET' },
    { user: { token: 'SECRET' } },
    { pair: { key: 'SECRET' } },
    { data: { 'tls.key': 'SECRET', 'ca.key': 'SECRET' } },
    { secret: { data: { 'tls.key': 'SECRET' } } },
  ])('hides the secret in %j', (fields) => {
    const { written, output } = capture(false);
    createLog('info', output).info(fields, 'oops');
    expect(written.join('')).toContain('[redacted]');
    expect(written.join('')).not.toContain('SECRET');
  });
});

describe('a readable line', () => {
  it('shows the stack of an error below', () => {
    const line = prettyLine(
      '{"level":50,"time":"2026-11-21T04:00:00.123Z","err":{"stack":"Error: no"},"msg":"failed"}',
    );
    expect(line).toBe('04:00:00.123 ERROR failed\n  Error: no\n');
  });

  it('is the text itself when that is no JSON', () => {
    expect(prettyLine('hello')).toBe('hello\n');
  });
});
