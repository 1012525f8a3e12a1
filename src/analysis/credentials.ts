import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { validateHeaderValue } from 'node:http';
import { createSecureContext } from 'node:tls';
import type { MetricServerConfig } from '../integrations/schema.ts';
import type { TlsMaterial } from './http-connect.ts';

// What a metrics server is shown: read from its files at every request, so that whoever renews them need tell nobody.

export type Credentials =
  | { ok: true; headers: Record<string, string>; tls: TlsMaterial }
  /** Which file can't be used, and why; never what is in it. */
  | { ok: false; message: string };

/** A file that can't be used; its message names the field and the file. */
class CredentialError extends Error {}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unusable';

const contentOf = async (field: string, file: string): Promise<string> => {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new CredentialError(`${field} ${file} can not be read (${codeOf(error)})`);
  });
  const content = text.trim();
  if (content === '') throw new CredentialError(`${field} ${file} is empty`);
  return content;
};

const headerFrom = async (field: string, file: string): Promise<string> => {
  const content = await contentOf(field, file);
  try {
    validateHeaderValue('credential', content);
  } catch {
    throw new CredentialError(`${field} ${file} holds characters that no header may have`);
  }
  return content;
};

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

/** A user or password of a URL, whose signs may be percent-encoded, or not at all. */
const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};

const authorizationOf = async (server: MetricServerConfig): Promise<string | undefined> => {
  if (server.bearerTokenFile !== undefined) {
    return `Bearer ${await headerFrom('bearerTokenFile', server.bearerTokenFile)}`;
  }
  if (server.basic !== undefined) {
    return basic(server.basic.username, await contentOf('basic.passwordFile', server.basic.passwordFile));
  }
  const { username, password } = new URL(server.url);
  if (username === '' && password === '') return undefined;
  return basic(decoded(username), decoded(password));
};

const headersOf = async (server: MetricServerConfig): Promise<Record<string, string>> => {
  const fromFiles = Object.entries(server.headerFiles).map(async ([name, file]) => [
    name,
    await headerFrom(`headerFiles.${name}`, file),
  ]);
  const authorization = await authorizationOf(server);
  return {
    ...server.headers,
    ...(Object.fromEntries(await Promise.all(fromFiles)) as Record<string, string>),
    ...(authorization === undefined ? {} : { authorization }),
  };
};

const tlsOf = async ({ tls }: MetricServerConfig): Promise<TlsMaterial> => {
  if (tls === undefined) return {};
  const { caFile, certFile, keyFile, serverName } = tls;
  const material: TlsMaterial = {
    ...(caFile === undefined ? {} : { ca: await contentOf('tls.caFile', caFile) }),
    ...(certFile === undefined ? {} : { cert: await contentOf('tls.certFile', certFile) }),
    ...(keyFile === undefined ? {} : { key: await contentOf('tls.keyFile', keyFile) }),
  };
  try {
    // OpenSSL would take an authority that is none for nothing to say.
    if (material.ca !== undefined) new X509Certificate(material.ca);
    createSecureContext(material);
  } catch (error) {
    const files = [caFile, certFile, keyFile].filter((file) => file !== undefined).join(', ');
    throw new CredentialError(`tls: ${files} are no certificates that fit together (${codeOf(error)})`);
  }
  return serverName === undefined ? material : { ...material, servername: serverName };
};

/** What the files of this server's configuration say now. Never rejects for what they are or hold. */
export const readCredentials = async (server: MetricServerConfig): Promise<Credentials> => {
  try {
    return { ok: true, headers: await headersOf(server), tls: await tlsOf(server) };
  } catch (error) {
    if (error instanceof CredentialError) return { ok: false, message: error.message };
    throw error;
  }
};
