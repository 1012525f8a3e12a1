import { sameJson } from './same-json.ts';
import type { RequestMatch, StringMatch } from './share.ts';

// What an A/B match demands of a request, in what proxies know: headers and query parameters, and regular expressions
// of the dialect that all of them speak, RE2.

export interface Demand {
  on: 'header' | 'query';
  /** Of a header in small letters. */
  name: string;
  match: StringMatch;
}

/** All that a request has to have, which is to fit every one of the matches. */
export const demandsOf = (all: readonly RequestMatch[]): Demand[] =>
  all.flatMap(({ headers = {}, cookies = {}, query = {} }) => [
    ...Object.entries(headers).map(
      ([name, match]): Demand => ({ on: 'header', name: name.toLowerCase(), match }),
    ),
    ...Object.entries(cookies).map(
      ([name, match]): Demand => ({
        on: 'header',
        name: 'cookie',
        match: { regex: cookieRegex(name, match) },
      }),
    ),
    ...Object.entries(query).map(([name, match]): Demand => ({ on: 'query', name, match })),
  ]);

/** Two demands on one value as one; `never`: no value meets both; `unsayable`: no single demand says both. */
export const joinMatches = (one: StringMatch, other: StringMatch): StringMatch | 'never' | 'unsayable' => {
  if (sameJson(one, other)) return one;
  if (!isText(one) || !isText(other)) return 'unsayable';
  if (isWithin(one, other)) return one;
  return isWithin(other, one) ? other : 'never';
};

const isText = (match: StringMatch): boolean => 'exact' in match || 'prefix' in match;

/** Whether each value that meets the first meets the second. */
const isWithin = (one: StringMatch, other: StringMatch): boolean => {
  if ('exact' in other) return 'exact' in one && one.exact === other.exact;
  if (!('prefix' in other)) return false;
  if ('exact' in one) return one.exact.startsWith(other.prefix);
  return 'prefix' in one && one.prefix.startsWith(other.prefix);
};

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/** It is of the whole value in any case, and within a longer expression anchors would never fit. */
const unanchored = (regex: string): string => regex.replace(/^\^/, '').replace(/(?<!\\)((?:\\\\)*)\$$/, '$1');

/** @param any what a prefix may be followed by */
const bodyOf = (match: StringMatch, any: string): string => {
  if ('exact' in match) return escaped(match.exact);
  return 'prefix' in match ? `${escaped(match.prefix)}${any}` : `(?:${unanchored(match.regex)})`;
};

// Anchored, since some proxies look for a match anywhere.

/** Of a whole value. */
export const valueRegex = (match: StringMatch): string => `^${bodyOf(match, '.*')}$`;

/** Of the whole Cookie header. A `.` in the user's own expression may reach beyond its cookie; `[^;]` does not. */
const cookieRegex = (name: string, match: StringMatch): string =>
  `^(?:.*;\\s*)?${escaped(name)}=${bodyOf(match, '[^;]*')}(?:\\s*;.*)?$`;
