import type { Severity } from '../../core/alert.ts';
import type { Format } from './shown.ts';

// A webhook of Discord: an embed, of at most 6,000 characters.

const COLORS: Readonly<Record<Severity, number>> = { info: 0x2eb886, warn: 0xdaa038, error: 0xa30200 };

/** Every character that Markdown, a mention, an emoji or an address could begin with. */
const escaped = (text: string): string => text.replace(/[\\`*_~|<>[\]()#:@-]/g, '\\$&');

export const discord: Format = ({ severity, title, text, fields, link }) => ({
  allowed_mentions: { parse: [] },
  embeds: [
    {
      title: escaped(title),
      description: escaped(text),
      color: COLORS[severity],
      ...(link === undefined ? {} : { url: link }),
      fields: fields.map(({ name, value }) => ({ name: escaped(name), value: escaped(value), inline: true })),
    },
  ],
});
