import { z } from 'zod';

// Fields that several parts of the integrations file have.

/** How a violation reads: what is expected, what came, and an example. Values that may be secret are not shown. */
export const said = (expected: string, example: string, show = true) => ({
  error: ({ input }: { input?: unknown }): string => {
    const got = input === undefined ? 'nothing' : (JSON.stringify(input) ?? typeof input).slice(0, 100);
    return `expected ${expected}${show ? `, got ${got}` : ''} (example: ${example})`;
  },
});

const NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
export const name = z
  .string(said('a name of lower-case letters, digits and dashes', 'default'))
  .regex(NAME, said('a name of lower-case letters, digits and dashes, 63 at most', 'default'));
export const file = (example: string) => {
  const message = said('the name of a file', example);
  return z.string(message).min(1, message);
};

const hasCredentials = (address: string): boolean => {
  const { username, password } = new URL(address);
  return username !== '' || password !== '';
};

/** An address may hold a password: it is never shown. */
export const url = (expected: string, example: string, protocol = /^https?$/) => {
  const message = said(expected, example, false);
  return z.url({ protocol, ...message }).refine((address) => !hasCredentials(address), {
    error: `expected ${expected} without user and password, which belong in a file (example: ${example})`,
  });
};

export const namesDiffer = (named: readonly { name: string }[]): boolean =>
  new Set(named.map(({ name }) => name)).size === named.length;
