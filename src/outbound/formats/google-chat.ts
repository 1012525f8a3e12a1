import { type Format, LINK_TITLE } from './shown.ts';

// A card for a webhook of Google Chat. It has no plain text beside it: there `<users/all>` would call everybody.

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

export const googleChat: Format = ({ id, severity, title, text, fields, link }) => ({
  cardsV2: [
    {
      cardId: id,
      card: {
        header: { title, subtitle: severity },
        sections: [
          {
            widgets: [
              { textParagraph: { text: escaped(text) } },
              ...fields.map(({ name, value }) => ({
                decoratedText: { topLabel: escaped(name), text: escaped(value), wrapText: true },
              })),
              ...(link === undefined
                ? []
                : [
                    { buttonList: { buttons: [{ text: LINK_TITLE, onClick: { openLink: { url: link } } }] } },
                  ]),
            ],
          },
        ],
      },
    },
  ],
});
