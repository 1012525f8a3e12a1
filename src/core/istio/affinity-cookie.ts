import { z } from 'zod';
import { isSetCookie } from '../affinity.ts';
import type { JsonObject } from '../objects.ts';
import { spelledAnew } from './header-names.ts';

// The Set-Cookie header that a half of a destination adds to its answers, among the user's own header operations.

const added = z.record(z.string(), z.string());
const headers = z.looseObject({ response: z.looseObject({ add: added.optional() }).optional() });
const withAdded = z.looseObject({ headers: z.looseObject({ response: z.looseObject({ add: added }) }) });

/** Of another shape than Istio's it stays as it is: for the API server to refuse. */
export const withSetCookie = <T extends JsonObject>(destination: T, value: string): T => {
  const parsed = headers.safeParse(destination['headers'] ?? {});
  if (!parsed.success) return destination;
  const { response = {} } = parsed.data;
  const add = response.add ?? {};
  const name = spelledAnew('set-cookie', add) ?? 'set-cookie';
  return {
    ...destination,
    headers: { ...parsed.data, response: { ...response, add: { ...add, [name]: value } } },
  };
};

const withoutKey = <T extends object>(object: T, key: keyof T): Partial<T> => {
  const rest: Partial<T> = { ...object };
  delete rest[key];
  return rest;
};

/** Takes it out, and the maps that held nothing else. */
export const withoutSetCookie = <T extends JsonObject>(destination: T): T => {
  const parsed = withAdded.safeParse(destination);
  if (!parsed.success) return destination;
  const { headers: all } = parsed.data;
  const users = Object.entries(all.response.add).filter(([, value]) => !isSetCookie(value));
  if (users.length === Object.keys(all.response.add).length) return destination;
  const add = Object.fromEntries(users);
  const response = users.length > 0 ? { ...all.response, add } : withoutKey(all.response, 'add');
  const left = Object.keys(response).length > 0 ? { ...all, response } : withoutKey(all, 'response');
  return Object.keys(left).length > 0
    ? { ...destination, headers: left }
    : (withoutKey(destination, 'headers') as T);
};
