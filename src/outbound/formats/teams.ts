import type { Severity } from '../../core/alert.ts';
import { type Format, LINK_TITLE } from './shown.ts';

// An adaptive card for a Workflow of Microsoft Teams ("when a Teams webhook request is received"). Its runs of text are
// shown as they are: in them nothing is Markdown and nobody is mentioned.

const COLORS: Readonly<Record<Severity, string>> = { info: 'good', warn: 'warning', error: 'attention' };

const block = (...inlines: object[]) => ({
  type: 'RichTextBlock',
  inlines: inlines.map((run) => ({ type: 'TextRun', ...run })),
});

export const teams: Format = ({ severity, title, text, fields, link }) => ({
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
          block({ text: title, size: 'large', weight: 'bolder', color: COLORS[severity] }),
          block({ text }),
          ...fields.map(({ name, value }) => ({
            ...block({ text: `${name}: `, weight: 'bolder' }, { text: value }),
            spacing: 'none',
          })),
        ],
        ...(link === undefined
          ? {}
          : { actions: [{ type: 'Action.OpenUrl', title: LINK_TITLE, url: link }] }),
      },
    },
  ],
});
