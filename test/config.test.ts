import { describe, expect, it, test } from 'vitest';
import { parseConfig } from '../src/config.ts';

const parse = (argv: string[], environment: Record<string, string> = {}) =>
  parseConfig(argv, environment, 'host-1');

const accepted = (argv: string[], environment: Record<string, string> = {}) => {
  const parsed = parse(argv, environment);
  if (parsed.ok !== true) throw new Error(JSON.stringify(parsed));
  return parsed.config;
};

describe('the configuration', () => {
  it('has a default for everything a cluster does not need to be told', () => {
    expect(accepted([])).toEqual({
      webhookPort: 8443,
      metricsPort: 9090,
      namespace: 'kanari-system',
      logLevel: 'info',
      propagationWaitMs: 10_000,
      lookIntervalMs: 2_000,
      shutdownDelayMs: 5_000,
      identity: 'host-1',
    });
  });

  it('is frozen', () => {
    expect(Object.isFrozen(accepted([]))).toBe(true);
  });

  test.each<[string, string[], Record<string, string>, object]>([
    ['a flag', ['--webhook-port', '9443'], {}, { webhookPort: 9443 }],
    ['a flag with an equals sign', ['--webhook-port=9443'], {}, { webhookPort: 9443 }],
    ['a variable', [], { KANARI_WEBHOOK_PORT: '9443' }, { webhookPort: 9443 }],
    ['the flag before the variable', ['--namespace=a'], { KANARI_NAMESPACE: 'b' }, { namespace: 'a' }],
    ['an empty variable as none', [], { KANARI_METRICS_PORT: '' }, { metricsPort: 9090 }],
    ['0 as no metrics port', ['--metrics-port=0'], {}, { metricsPort: 0 }],
    ['durations', ['--propagation-wait=1m30s'], {}, { propagationWaitMs: 90_000 }],
    ['a URL without its slash', ['--webhook-url=https://[::1]:1/'], {}, { webhookUrl: 'https://[::1]:1' }],
    ['plain http for metrics', ['--prometheus-url=http://p:9090'], {}, { prometheusUrl: 'http://p:9090' }],
    ['a directory of certificates', ['--cert-dir=/tls'], {}, { certDir: '/tls' }],
    ['no delay of the shutdown', ['--shutdown-delay=0s'], {}, { shutdownDelayMs: 0 }],
    ['a file', ['--kubeconfig=/k'], {}, { kubeconfig: '/k' }],
    ['a name of its own', ['--identity=kanari-0'], {}, { identity: 'kanari-0' }],
    ['the last of two', ['--namespace=a', '--namespace=b'], {}, { namespace: 'b' }],
  ])('takes %s', (_, argv, environment, expected) => {
    expect(accepted(argv, environment)).toMatchObject(expected);
  });

  test.each<[string[], string]>([
    [
      ['--webhook-port=abc'],
      '--webhook-port (KANARI_WEBHOOK_PORT): expected a port, 0–65535, got "abc" (example: 8443)',
    ],
    [
      ['--webhook-port=70000'],
      '--webhook-port (KANARI_WEBHOOK_PORT): expected a port, 0–65535, got "70000" (example: 8443)',
    ],
    [
      ['--webhook-url=http://127.0.0.1'],
      '--webhook-url (KANARI_WEBHOOK_URL): expected an https URL, got "http://127.0.0.1" (example: https://127.0.0.1:8443)',
    ],
    [
      ['--log-level=loud'],
      '--log-level (KANARI_LOG_LEVEL): expected one of debug, info, warn, error, got "loud" (example: info)',
    ],
    [
      ['--look-interval=1ms'],
      '--look-interval (KANARI_LOOK_INTERVAL): expected a duration of 500ms or more, got "1ms" (example: 2s)',
    ],
    [
      ['--namespace=Kanari_System'],
      '--namespace (KANARI_NAMESPACE): expected a namespace name, got "Kanari_System" (example: kanari-system)',
    ],
    [['--webhook-prot=1'], 'unknown flag --webhook-prot (did you mean --webhook-port?)'],
    [['--zebra'], 'unknown flag --zebra'],
    [['-x'], 'unknown flag -x'],
    [['run'], 'unexpected argument "run"'],
    [['--namespace'], '--namespace: value is missing'],
  ])('refuses %j and says why', (argv, violation) => {
    expect(parse(argv)).toEqual({ ok: false, violations: [violation] });
  });

  it('reports every violation at once', () => {
    const parsed = parse(['--webhook-port=abc', '--log-level=loud']);
    expect(parsed).toMatchObject({ ok: false, violations: { length: 2 } });
  });

  it('gives each process a name of its own', () => {
    const identity = () => {
      const parsed = parseConfig([], {});
      return parsed.ok === true ? parsed.config.identity : '';
    };
    expect(identity()).not.toBe(identity());
  });

  it('explains every flag with its default and variable', () => {
    const parsed = parse(['--help']);
    const text = parsed.ok === 'help' ? parsed.help : '';
    expect(text).toContain('--webhook-port PORT');
    expect(text).toContain('(default 8443) [KANARI_WEBHOOK_PORT]');
    expect(text.match(/\[KANARI_/g)).toHaveLength(13);
  });
});
