import { lookup as systemLookup } from 'node:dns';
import * as http from 'node:http';
import * as https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { formatDuration } from '../core/duration.ts';
import { quote } from '../core/text.ts';
import { completeBefore } from '../kube/linked-signal.ts';
import { type AddressGuard, createAddressGuard } from './address-guard.ts';

// One bounded POST to an address that users have named. Whatever is there is a value, never an exception.

export type PostOutcome =
  /** `body` is cut at the limit, and empty when it is compressed, which was not asked for. */
  | { kind: 'answer'; status: number; body: string; retryAfter?: string }
  /** Not called, or not followed, and it would be the same the next time. */
  | { kind: 'refused'; message: string }
  /** No answer: connection refused or reset, name not found, too slow. */
  | { kind: 'unreachable'; message: string };

export interface PostOptions {
  headers?: Readonly<Record<string, string>>;
  body: string;
  /** Milliseconds for the whole exchange, from the look-up of the name to the end of the body. */
  timeoutMs: number;
  /** Bytes of the answer's body that are read. Default 1 MiB. */
  maxBytes?: number;
  signal: AbortSignal;
}

export type GuardedPost = (url: string, options: PostOptions) => Promise<PostOutcome>;

export interface GuardOptions {
  /** Hosts, addresses and networks that may be called (address-guard.ts); undefined: all but the forbidden ones. */
  allow: readonly string[] | undefined;
  /** Addresses of the API server at this time; never called unless `allow` names them. */
  apiServer: () => readonly string[] | Promise<readonly string[]>;
  /** Default: the system's. */
  lookup?: LookupFunction;
}

const MIB = 1_048_576;

class Refused extends Error {}

const hostOf = (url: URL): string => url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');

/** Looks up like the system, and gives only addresses that may be called: what is connected to is what was checked. */
const guardedLookup = (
  guard: AddressGuard,
  system: LookupFunction,
  apiServer: readonly string[],
): LookupFunction => {
  return (hostname, options, callback) => {
    const host = hostname.toLowerCase().replace(/\.$/, '');
    system(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, []);
      const addresses = Array.isArray(found) ? found : [];
      const refusals = addresses.map(({ address }) => guard.refusal(host, address, apiServer));
      const usable = addresses.filter((_, index) => refusals[index] === undefined);
      const [first] = usable;
      if (first === undefined) return callback(new Refused(refusals[0] ?? 'it has no address'), []);
      if (options.all === true) return callback(null, usable);
      return callback(null, first.address, first.family);
    });
  };
};

const readBody = async (response: http.IncomingMessage, maxBytes: number): Promise<string> => {
  if ((response.headers['content-encoding'] ?? 'identity') !== 'identity') {
    response.destroy();
    return '';
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk.subarray(0, maxBytes - bytes));
    bytes += chunk.length;
    if (bytes >= maxBytes) break;
  }
  return Buffer.concat(chunks).toString('utf8');
};

const targetOf = ({ headers: { location } }: http.IncomingMessage): string =>
  location !== undefined && URL.canParse(location) ? ` to ${quote(new URL(location).host)}` : '';

const answerOf = async (response: http.IncomingMessage, maxBytes: number): Promise<PostOutcome> => {
  const { statusCode: status = 0, headers } = response;
  if (status >= 300 && status < 400) {
    response.destroy();
    const message = `HTTP ${status}: a redirect${targetOf(response)}, which is not followed`;
    return { kind: 'refused', message };
  }
  const retryAfter = headers['retry-after'];
  const body = await readBody(response, maxBytes);
  return { kind: 'answer', status, body, ...(retryAfter === undefined ? {} : { retryAfter }) };
};

const respond = (request: http.ClientRequest, body: string): Promise<http.IncomingMessage> =>
  new Promise((resolve, reject) => {
    request.once('response', resolve);
    // `on`: an aborted request may report twice, and an unheard error would end the process.
    request.on('error', reject);
    request.end(body);
  });

/** Neither a code nor a name of an error carries the URL, which may be a secret. */
const unreachable = (error: unknown, url: URL): PostOutcome => {
  if (error instanceof Refused) return { kind: 'refused', message: error.message };
  if (!(error instanceof Error)) return { kind: 'unreachable', message: 'no answer' };
  if (error.name === 'TimeoutError') return { kind: 'unreachable', message: error.message };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  return { kind: 'unreachable', message: `no answer from ${quote(url.host)} (${code})` };
};

/** The URL that may be called, or why it is not. */
const permitted = (text: string, guard: AddressGuard, apiServer: readonly string[]): URL | string => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    return 'its address is no http or https URL';
  const host = hostOf(url);
  return (isIP(host) === 0 ? undefined : guard.refusal(host, host, apiServer)) ?? url;
};

/**
 * A POST to where users want one: to no address that is not theirs to call, without following redirects, and with
 * bounds on time and size. Never rejects.
 */
export const createGuardedPost = (guarded: GuardOptions): GuardedPost => {
  const guard = createAddressGuard(guarded.allow);
  return async (text, { headers, body, timeoutMs, maxBytes = MIB, signal }) => {
    const apiServer = await guarded.apiServer();
    const url = permitted(text, guard, apiServer);
    if (typeof url === 'string') return { kind: 'refused', message: url };
    const lookup = guardedLookup(guard, guarded.lookup ?? systemLookup, apiServer);
    const late = `no answer within ${formatDuration(timeoutMs)}`;
    const reason = (): DOMException => new DOMException(late, 'TimeoutError');
    const post = async (linked: AbortSignal): Promise<PostOutcome> => {
      // A connection each: one that is kept might outlive what its name leads to and what is allowed.
      const options = { method: 'POST', headers: { ...headers }, signal: linked, lookup, agent: false };
      const request = (url.protocol === 'https:' ? https : http).request(url, options);
      return answerOf(await respond(request, body), maxBytes);
    };
    try {
      return await completeBefore({ parent: signal, ms: timeoutMs, reason }, post);
    } catch (error) {
      return unreachable(error, url);
    }
  };
};
