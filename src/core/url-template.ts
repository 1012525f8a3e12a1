import { type ParsedTemplate, problem, type Slot, splitQuery, staysBelow } from './query-template.ts';

// Path and query of a GET, with variables.

const EXAMPLE = '/api/errors?service={{ canary }}';

/** Printable ASCII but what an address can't hold as it is, and what leads to another host or ends it. */
const PLAIN = /^[^\s\\"#<>^`{|}\u007f-\uffff\u0000-\u001f]*$/;

/** A path and query whose variables are percent-encoded where they stand. */
export const parseUrl = (text: string): ParsedTemplate => {
  const split = splitQuery(text);
  if (!split.ok) return split;
  const { texts, variables } = split;
  if (!/^\/(?!\/)/.test(text)) return problem('a path that begins with one /', text, EXAMPLE);
  const strange = texts.find((piece) => !PLAIN.test(piece));
  if (strange !== undefined) return problem('signs that an address has, others in %', strange, EXAMPLE);
  if (!staysBelow(text)) return problem('a path without . and .. as parts of it', text, EXAMPLE);
  const slots = variables.map((variable): Slot => ({ variable, place: 'url' }));
  return { ok: true, template: texts.flatMap((piece, index) => [piece, slots[index] ?? []].flat()) };
};
