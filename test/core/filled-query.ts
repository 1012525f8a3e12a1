import { fillQuery, type ParsedTemplate, type Values } from '../../src/core/query-template.ts';

// Queries of a run of shop/web, written out.

export const VALUES: Values = {
  name: 'web',
  namespace: 'shop',
  target: 'web-canary',
  canary: 'web-canary',
  primary: 'web',
  interval: '1m30s',
};

/** The query, or what is wrong with it. */
export const filledBy =
  (parse: (text: string) => ParsedTemplate) =>
  (text: string, values: Partial<Values> = {}): string => {
    const parsed = parse(text);
    if (!parsed.ok) return `problem: ${parsed.message}`;
    const query = fillQuery(parsed.template, { ...VALUES, ...values });
    return query.ok ? query.query : `refused: ${query.message}`;
  };
