import { describe, expect, it } from 'vitest';
import { hostMatches, parseAllowEntry } from '../../src/core/allow-entry.ts';

describe('an entry of outbound.allow', () => {
  it.each([
    ['*', { kind: 'host', pattern: '*' }],
    ['Hooks.Slack.com', { kind: 'host', pattern: 'hooks.slack.com' }],
    ['*.shop.svc', { kind: 'host', pattern: '*.shop.svc' }],
    ['localhost', { kind: 'host', pattern: 'localhost' }],
    ['my_gate.shop', { kind: 'host', pattern: 'my_gate.shop' }],
    ['10.1.2.3', { kind: 'network', family: 'ipv4', address: '10.1.2.3', prefix: 32 }],
    ['10.0.0.0/8', { kind: 'network', family: 'ipv4', address: '10.0.0.0', prefix: 8 }],
    ['fd00::/8', { kind: 'network', family: 'ipv6', address: 'fd00::', prefix: 8 }],
    ['::1', { kind: 'network', family: 'ipv6', address: '::1', prefix: 128 }],
  ])('%s is understood', (text, entry) => {
    expect(parseAllowEntry(text)).toEqual(entry);
  });

  it.each([
    '',
    'http://gate.shop',
    'gate.shop:8080',
    'gate.shop/path',
    '*.*.shop',
    'a.*.shop',
    'shop.',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/',
    '256.1.1.1',
    '127.1',
    '2130706433',
    '0x7f000001',
    'fe80::1%eth0',
    '[::1]',
  ])('%s is not', (text) => {
    expect(parseAllowEntry(text)).toBeUndefined();
  });

  it.each([
    ['*', 'anything.at.all', true],
    ['gate.shop', 'gate.shop', true],
    ['gate.shop', 'a.gate.shop', false],
    ['*.shop.svc', 'gate.shop.svc', true],
    ['*.shop.svc', 'a.gate.shop.svc', true],
    ['*.shop.svc', 'shop.svc', false],
    ['*.shop.svc', '.shop.svc', false],
    ['*.shop.svc', 'gateshop.svc', false],
    ['*.shop.svc', 'gate.shop.svc.evil.test', false],
  ])('%s stands for %s: %s', (pattern, host, matches) => {
    expect(hostMatches(pattern, host)).toBe(matches);
  });
});
