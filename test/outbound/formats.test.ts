import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endedMessage } from '../../src/core/alert-messages.ts';
import type { CanaryStatus, HistoryEntry } from '../../src/core/run.ts';
import { FORMATS } from '../../src/outbound/formats/formats.ts';
import type { Shown } from '../../src/outbound/formats/shown.ts';

const SHOWN: Shown = {
  id: '2026-11-21T02:30:00Z/1-3fa9c2d41b/RolledBack',
  severity: 'error',
  moment: 'RolledBack',
  namespace: 'shop',
  name: 'web',
  title: 'shop/web: rolled back',
  text: 'success rate 91.20 % < 99 % & <!channel> @everyone *now*',
  fields: [
    { name: 'Images', value: 'web:v2_[a](b)' },
    { name: 'success-rate', value: '91.20 % (limit ≥ 99 %, 1,240 requests)' },
  ],
  link: 'https://grafana.shop.example/d/canary?ns=shop&name=web',
};

const { link: _, ...UNLINKED } = SHOWN;

describe('a message', () => {
  it('for Slack is an attachment of blocks, with everything that it would read as markup escaped', () => {
    expect(FORMATS.slack(SHOWN)).toEqual({
      attachments: [
        {
          color: '#a30200',
          fallback:
            'shop/web: rolled back: success rate 91.20 % &lt; 99 % &amp; &lt;!channel&gt; @everyone *now*',
          blocks: [
            {
              type: 'section',
              text: {
                type: 'mrkdwn',
                text: '*shop/web: rolled back*\nsuccess rate 91.20 % &lt; 99 % &amp; &lt;!channel&gt; @everyone *now*',
                verbatim: true,
              },
            },
            {
              type: 'section',
              fields: [
                { type: 'mrkdwn', text: '*Images*\nweb:v2_[a](b)', verbatim: true },
                {
                  type: 'mrkdwn',
                  text: '*success-rate*\n91.20 % (limit ≥ 99 %, 1,240 requests)',
                  verbatim: true,
                },
              ],
            },
            {
              type: 'actions',
              elements: [
                {
                  type: 'button',
                  text: { type: 'plain_text', text: 'Open', emoji: false },
                  url: SHOWN.link,
                },
              ],
            },
          ],
        },
      ],
    });
  });

  it('for Teams is an adaptive card of texts that are shown as they are', () => {
    expect(FORMATS.teams(SHOWN)).toEqual({
      type: 'message',
      attachments: [
        {
          contentType: 'application/vnd.microsoft.card.adaptive',
          contentUrl: null,
          content: {
            $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
            type: 'AdaptiveCard',
            version: '1.4',
            body: [
              {
                type: 'RichTextBlock',
                inlines: [
                  { type: 'TextRun', text: SHOWN.title, size: 'large', weight: 'bolder', color: 'attention' },
                ],
              },
              { type: 'RichTextBlock', inlines: [{ type: 'TextRun', text: SHOWN.text }] },
              ...SHOWN.fields.map(({ name, value }) => ({
                type: 'RichTextBlock',
                inlines: [
                  { type: 'TextRun', text: `${name}: `, weight: 'bolder' },
                  { type: 'TextRun', text: value },
                ],
                spacing: 'none',
              })),
            ],
            actions: [{ type: 'Action.OpenUrl', title: 'Open', url: SHOWN.link }],
          },
        },
      ],
    });
  });

  it('for Discord is an embed that mentions nobody', () => {
    expect(FORMATS.discord(SHOWN)).toEqual({
      allowed_mentions: { parse: [] },
      embeds: [
        {
          title: 'shop/web\\: rolled back',
          description: 'success rate 91.20 % \\< 99 % & \\<!channel\\> \\@everyone \\*now\\*',
          color: 0xa30200,
          url: SHOWN.link,
          fields: [
            { name: 'Images', value: 'web\\:v2\\_\\[a\\]\\(b\\)', inline: true },
            { name: 'success\\-rate', value: '91.20 % \\(limit ≥ 99 %, 1,240 requests\\)', inline: true },
          ],
        },
      ],
    });
  });

  it('for Google Chat is a card without a text beside it', () => {
    expect(FORMATS.googlechat(SHOWN)).toEqual({
      cardsV2: [
        {
          cardId: SHOWN.id,
          card: {
            header: { title: SHOWN.title, subtitle: 'error' },
            sections: [
              {
                widgets: [
                  {
                    textParagraph: {
                      text: 'success rate 91.20 % &lt; 99 % &amp; &lt;!channel&gt; @everyone *now*',
                    },
                  },
                  { decoratedText: { topLabel: 'Images', text: 'web:v2_[a](b)', wrapText: true } },
                  {
                    decoratedText: {
                      topLabel: 'success-rate',
                      text: '91.20 % (limit ≥ 99 %, 1,240 requests)',
                      wrapText: true,
                    },
                  },
                  { buttonList: { buttons: [{ text: 'Open', onClick: { openLink: { url: SHOWN.link } } }] } },
                ],
              },
            ],
          },
        },
      ],
    });
  });

  it('for a receiver of any kind is the message itself', () => {
    expect(FORMATS.generic(SHOWN)).toEqual(SHOWN);
  });

  it.each(Object.entries(FORMATS))('for %s has no link where none is set', (_, format) => {
    expect(JSON.stringify(format(UNLINKED))).not.toMatch(/Open|"(?:url|link|actions)"/);
  });
});

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 900 }),
  fc.string({ unit: fc.constantFrom('&', '<', '@', '*', '🦊', '\\'), maxLength: 900 }),
);

const lengths = (value: unknown): number[] =>
  typeof value === 'string'
    ? [value.length]
    : Object.values((value ?? {}) as Record<string, unknown>).flatMap(lengths);

it('whatever is told, no provider finds it too long', () => {
  const told = fc.record({
    image: anyText,
    text: anyText,
    checks: fc.array(fc.record({ metric: anyText, value: anyText, limit: anyText }), { maxLength: 30 }),
  });
  fc.assert(
    fc.property(told, ({ image, text, checks }) => {
      const [started, ended] = ['2026-11-21T02:30:00Z', '2026-11-21T02:31:00Z'];
      const entry: HistoryEntry = {
        ...{ revision: '1-a', images: [image], started, ended, outcome: 'Promoted', reason: 'r' },
      };
      const status = {
        checks: checks.map((check) => ({ ...check, requests: 1 })),
        run: { revision: '1-a', startedAt: started, ending: { message: text, weight: 1 } },
      } as unknown as CanaryStatus;
      const shown = endedMessage('shop/web', entry, status);
      const { attachments } = FORMATS.slack(shown) as { attachments: { blocks: { fields?: unknown[] }[] }[] };
      const blocks = attachments[0]!.blocks;
      expect(Math.max(...lengths(blocks))).toBeLessThanOrEqual(2_000);
      expect(blocks.every(({ fields = [] }) => fields.length <= 10)).toBe(true);
      const { embeds } = FORMATS.discord(shown) as { embeds: { description: string; fields: unknown[] }[] };
      expect(lengths(embeds).reduce((sum, length) => sum + length, 0)).toBeLessThanOrEqual(6_000);
      expect(embeds[0]!.fields.length).toBeLessThanOrEqual(25);
      expect(Math.max(...lengths(embeds[0]!.fields))).toBeLessThanOrEqual(1_024);
      expect(JSON.stringify(FORMATS.teams(shown)).length).toBeLessThan(28_000);
      expect(shown.text).not.toMatch(/[\p{C}\n]/u);
    }),
  );
});
