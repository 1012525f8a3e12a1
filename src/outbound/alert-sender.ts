import { readFile } from 'node:fs/promises';
import type { CallRequest } from '../core/calls.ts';
import { quote } from '../core/text.ts';
import { FORMATS, type ProviderType } from './formats/formats.ts';
import type { Shown } from './formats/shown.ts';
import type { GuardedPost, PostOutcome } from './guarded-post.ts';
import type { CallOutcome, Senders } from './outbound.ts';
import { mayPass, withTries } from './tries.ts';

/** Where alerts go. Exactly one of the two addresses is given; either may be a secret. */
export interface AlertProvider {
  name: string;
  type: ProviderType;
  url?: string | undefined;
  /** Read again for each message. */
  urlFile?: string | undefined;
}

export interface AlertSenderOptions {
  providers: readonly AlertProvider[];
  /** `{{ namespace }}` and `{{ name }}` stand for the Deployment's. */
  linkTemplate: string | undefined;
  post: GuardedPost;
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

const TIMEOUT_MS = 5_000;
const TRIES = 3;
const HEADERS = { 'content-type': 'application/json', 'user-agent': 'kanari' };

/** Where to look further at a Deployment. */
export const linkTo = (template: string, { namespace, name }: { namespace: string; name: string }): string =>
  template
    .replaceAll(/\{\{\s*namespace\s*\}\}/g, () => encodeURIComponent(namespace))
    .replaceAll(/\{\{\s*name\s*\}\}/g, () => encodeURIComponent(name));

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'not readable';

const addressOf = async ({ url, urlFile = '' }: AlertProvider): Promise<string | CallOutcome> => {
  if (url !== undefined) return url;
  try {
    return (await readFile(urlFile, 'utf8')).trim();
  } catch (error) {
    return { ok: false, message: `its address can not be read from ${urlFile} (${codeOf(error)})` };
  }
};

/** Shorter parts of an address are words like `v1`, and no secrets. */
const SHORTEST_SECRET = 4;

/** `Cannot POST /services/T0/s3cret`: many a server repeats what it was asked for. */
const repeats = (words: string, url: string): boolean => {
  const { username, password, pathname, search } = new URL(url);
  const parts = [username, password, ...`${pathname}/${search}`.split(/[/?&=]/)];
  return parts.some((part) => part.length >= SHORTEST_SECRET && words.includes(part));
};

const wordsOf = ({ status, body }: Extract<PostOutcome, { kind: 'answer' }>, url: string): string => {
  if (repeats(body, url)) return `HTTP ${status}, with its address in the answer, which is not shown`;
  const words = quote(body.trim());
  return words === '' ? `HTTP ${status}` : `HTTP ${status}: ${words}`;
};

const outcomeOf = (outcome: PostOutcome, url: string): CallOutcome => {
  if (outcome.kind === 'answer' && outcome.status >= 200 && outcome.status < 300)
    return { ok: true, message: `HTTP ${outcome.status}` };
  const message = outcome.kind === 'answer' ? wordsOf(outcome, url) : outcome.message;
  return { ok: false, message, ...(mayPass(outcome) ? {} : { final: true }) };
};

/** Sends alerts to the providers of Kanari's configuration, each in its own form. */
export const createAlertSender = (options: AlertSenderOptions): Senders['alert'] => {
  const { linkTemplate, post, sleep } = options;
  const providers = new Map(options.providers.map((provider) => [provider.name, provider]));
  const bodyOf = (type: ProviderType, { message }: Extract<CallRequest, { kind: 'alert' }>): string => {
    const link = linkTemplate === undefined ? {} : { link: linkTo(linkTemplate, message) };
    const shown: Shown = { ...message, ...link };
    return JSON.stringify(FORMATS[type](shown));
  };
  return async (request, signal) => {
    const provider = providers.get(request.provider);
    if (provider === undefined)
      return {
        ok: false,
        final: true,
        message: `alert provider ${quote(request.provider)} is not configured`,
      };
    const url = await addressOf(provider);
    if (typeof url !== 'string') return url;
    const body = bodyOf(provider.type, request);
    const once = () => post(url, { headers: HEADERS, body, timeoutMs: TIMEOUT_MS, signal });
    return outcomeOf(await withTries(once, { tries: TRIES, sleep, signal }), url);
  };
};
