import type { AlertField, Severity } from '../../core/alert.ts';
import { type Format, LINK_TITLE } from './shown.ts';

// An incoming webhook of Slack, or of a server that takes the same: an attachment, for its color, of blocks.

const COLORS: Readonly<Record<Severity, string>> = { info: '#2eb886', warn: '#daa038', error: '#a30200' };

/** A section takes no more. */
const FIELDS_IN_SECTION = 10;

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** `verbatim`: names of channels, people and addresses in it are not looked for. */
const markdown = (text: string) => ({ type: 'mrkdwn', text, verbatim: true });

const section = (fields: readonly AlertField[]) => ({
  type: 'section',
  fields: fields.map(({ name, value }) => markdown(`*${escaped(name)}*\n${escaped(value)}`)),
});

export const slack: Format = ({ severity, title, text, fields, link }) => ({
  attachments: [
    {
      color: COLORS[severity],
      fallback: escaped(`${title}: ${text}`),
      blocks: [
        { type: 'section', text: markdown(`*${escaped(title)}*\n${escaped(text)}`) },
        ...(fields.length > 0 ? [section(fields.slice(0, FIELDS_IN_SECTION))] : []),
        ...(fields.length > FIELDS_IN_SECTION ? [section(fields.slice(FIELDS_IN_SECTION))] : []),
        ...(link === undefined
          ? []
          : [
              {
                type: 'actions',
                elements: [
                  { type: 'button', text: { type: 'plain_text', text: LINK_TITLE, emoji: false }, url: link },
                ],
              },
            ]),
      ],
    },
  ],
});
