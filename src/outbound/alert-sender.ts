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

const outcomeOf = (outcome: PostOutcome): CallOutcome => {
  if (outcome.kind === 'answer' && outcome.status >= 200 && outcome.status < 300)
    return { ok: true, message: `HTTP ${outcome.status}` };
  const words = outcome.kind === 'answer' ? quote(outcome.body.trim()) : '';
  const message =
    outcome.kind === 'answer' ? `HTTP ${outcome.status}${words === '' ? '' : `: ${words}`}` : outcome.message;
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
    return outcomeOf(await withTries(once, { tries: TRIES, sleep, signal }));
  };
};
