import { describe, expect, it, test } from 'vitest';
import { metricServersOf, metricsConfigured } from '../../src/compose/metric-servers.ts';
import { parseConfig } from '../../src/config.ts';
import { parseIntegrations } from '../../src/integrations/schema.ts';

const ORDERS = { name: 'orders', type: 'web', url: 'http://orders.shop' };
const DEFAULT = { name: 'default', url: 'http://prometheus.monitoring:9090' };
const URL_FLAG = ['--prometheus-url=http://kanari:s3cret@p:9090'];

const serversOf = (argv: string[], metricServers: object[]) => {
  const config = parseConfig([...argv, '--integrations=/etc/kanari.yaml'], {}, 'host-1');
  const parsed = parseIntegrations({ metricServers });
  if (config.ok !== true || !parsed.ok) throw new Error(JSON.stringify([config, parsed]));
  return metricServersOf(config.config, parsed.integrations);
};

describe('the metrics servers', () => {
  test.each<[string, string[], object[], { names: string[]; builtIn: boolean }]>([
    ['are none unless configured', [], [], { names: [], builtIn: false }],
    ['are the default one by the flag', URL_FLAG, [], { names: ['default'], builtIn: true }],
    ['are the default one by the file', [], [DEFAULT], { names: ['default'], builtIn: true }],
    ['are both', URL_FLAG, [ORDERS], { names: ['default', 'orders'], builtIn: true }],
    ['may lack one for the built-in metrics', [], [ORDERS], { names: ['orders'], builtIn: false }],
  ])('%s', (_, argv, inFile, { names, builtIn }) => {
    const metricServers = serversOf(argv, inFile);
    expect(metricServers.map(({ name }) => name)).toEqual(names);
    expect(metricsConfigured({ metricServers })).toBe(builtIn);
  });

  it('are refused with two default ones, by the names of both places and without the password', () => {
    const twice = () => serversOf(URL_FLAG, [ORDERS, DEFAULT]);
    expect(twice).toThrow(/--prometheus-url and by metricServers\[1\] of \/etc\/kanari\.yaml: expected one/);
    expect(twice).not.toThrow(/s3cret/);
  });
});
