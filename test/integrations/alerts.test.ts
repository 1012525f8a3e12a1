import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseIntegrations } from '../../src/integrations/schema.ts';
import { linkTo } from '../../src/outbound/alert-sender.ts';

const page = readFileSync(new URL('../../docs/alerts.md', import.meta.url), 'utf8');

const violationsOf = (content: object): string[] => {
  const parsed = parseIntegrations(content);
  return parsed.ok ? [] : parsed.violations;
};

const CHAT = { name: 'chat', type: 'slack', urlFile: '/etc/kanari/slack-url' };

describe('of the integrations file, alerts', () => {
  it('are understood as the page about them has them', () => {
    const [, example = ''] = /```yaml\n(alertProviders:.*?)```/s.exec(page) ?? [];
    const parsed = parseIntegrations(parse(example));
    expect(parsed).toMatchObject({
      ok: true,
      integrations: {
        alertProviders: [CHAT, { name: 'pager', type: 'generic', url: 'https://pager.shop.example/kanari' }],
        alerts: [{ provider: 'pager', severity: 'error' }],
        outbound: { allow: ['hooks.slack.com', '*.shop.example', '*.shop.svc', '10.20.0.0/16'] },
      },
    });
    const { linkTemplate = '' } = parsed.ok ? parsed.integrations : {};
    expect(linkTo(linkTemplate, { namespace: 'shop', name: 'web' })).toBe(
      'https://grafana.shop.example/d/canary?var-ns=shop&var-name=web',
    );
  });

  it.each<[content: object, place: string, words: string]>([
    [
      { alertProviders: [{ ...CHAT, type: 'irc' }] },
      'alertProviders[0].type',
      'expected one of slack, teams',
    ],
    [
      { alertProviders: [{ ...CHAT, url: 'https://h/s3cret' }] },
      'alertProviders[0]',
      'expected either url or',
    ],
    [
      { alertProviders: [{ name: 'a', type: 'slack' }] },
      'alertProviders[0]',
      'expected either url or urlFile',
    ],
    [
      { alertProviders: [{ name: 'a', type: 'slack', url: 's3cret' }] },
      'alertProviders[0].url',
      'expected an http or https URL (example: https://hooks.slack.com/services/…)',
    ],
    [{ alertProviders: [CHAT, CHAT] }, 'alertProviders', 'expected names that differ'],
    [{ alertProviders: [{ ...CHAT, channel: 'x' }] }, 'alertProviders[0].channel', 'unknown field'],
    [{ alerts: [{ provider: 'chat' }] }, 'alerts[0].provider', 'alert provider (there is none), got "chat"'],
    [
      { alertProviders: [CHAT], alerts: [{ provider: 'chatt' }] },
      'alerts[0].provider',
      'expected the name of an alert provider (chat), got "chatt" (example: chat)',
    ],
    [
      { alertProviders: [CHAT], alerts: [{ provider: 'chat', severity: 'fatal' }] },
      'alerts[0].severity',
      'expected one of info, warn, error, got "fatal" (example: warn)',
    ],
    [
      { outbound: { allow: ['*.shop', 'http://gate'] } },
      'outbound.allow[1]',
      'expected a host, an address or a network, got "http://gate" (example: "*.shop.svc"',
    ],
    [{ outbound: { allow: '*' } }, 'outbound.allow', 'expected a list of hosts'],
    [{ linkTemplate: 'grafana/{{ name }}' }, 'linkTemplate', 'expected an http or https URL'],
    [{ linkTemplate: 'https://g/{{ pod }}' }, 'linkTemplate', 'no variables but namespace and name'],
    [{ linkTemplate: 'javascript:alert(1)' }, 'linkTemplate', 'expected an http or https URL'],
  ])('%j are refused at %s: %s', (content, place, words) => {
    const violations = violationsOf(content);
    expect(violations).toHaveLength(1);
    expect(violations[0]).toContain(`${place}: `);
    expect(violations[0]).toContain(words);
    expect(violations[0]).not.toContain('s3cret');
  });
});
