import { expect, it } from 'vitest';
import type { EndpointSlice, Service } from '../../src/core/objects.ts';
import { createApiServerAddresses } from '../../src/outbound/api-server-addresses.ts';

const metadata = { name: 'kubernetes', namespace: 'default' };
const service = { metadata, spec: { clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1', 'fd00:96::1'] } };
const slice = { metadata, endpoints: [{ addresses: ['192.0.2.7'] }] };

it('are those of its Service, of its endpoints, and what its name leads to or has led to', async () => {
  const answers = [['192.0.2.10'], undefined, ['192.0.2.11']];
  const asked: string[] = [];
  const addresses = createApiServerAddresses({
    server: 'https://api.shop.example:6443',
    service: () => service as Service,
    slices: () => [slice as EndpointSlice],
    resolve: (host) => {
      asked.push(host);
      const answer = answers.shift();
      return answer === undefined ? Promise.reject(new Error('no answer')) : Promise.resolve(answer);
    },
  });
  const others = ['10.96.0.1', '10.96.0.1', 'fd00:96::1', '192.0.2.7'];
  expect(await addresses()).toEqual(['192.0.2.10', ...others]);
  expect(await addresses()).toEqual(['192.0.2.10', ...others]);
  expect(await addresses()).toEqual(['192.0.2.10', '192.0.2.11', ...others]);
  expect(asked[0]).toBe('api.shop.example');
});

it('are the one address that Kanari is given, where it is one', async () => {
  const nothing = { service: () => undefined, slices: () => [] };
  expect(await createApiServerAddresses({ server: 'https://[fd00::1]:6443', ...nothing })()).toEqual([
    'fd00::1',
  ]);
});
