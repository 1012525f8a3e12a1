import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Credentials, Identity } from './credentials.ts';

// Service account tokens are rotated on disk well before they expire; the API server's own advice is once a minute.
const KEEP_MS = 60_000;

/** undefined: the service account of the pod. */
type Source = { kubeconfigPath: string | undefined; context?: string };

// Loaded on first use only: it takes about a second and 70 MB, which the command line would pay on every call.
const loadKubeConfig = async ({ kubeconfigPath, context }: Source): Promise<KubeConfig> => {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  if (kubeconfigPath === undefined) config.loadFromCluster();
  else config.loadFromFile(kubeconfigPath);
  if (context !== undefined) config.setCurrentContext(context);
  return config;
};

const basicAuthorization = (auth: string | null | undefined): string | undefined =>
  auth ? `Basic ${Buffer.from(auth).toString('base64')}` : undefined;

const identityOf = async (config: KubeConfig): Promise<Identity> => {
  const options: RequestOptions = { headers: {} };
  await config.applyToHTTPSOptions(options);
  const headers = options.headers as Record<string, unknown>;
  const bearer = headers['Authorization'];
  const authorization =
    typeof bearer === 'string' ? bearer.trim() : basicAuthorization(options.auth ?? undefined);
  const { ca, cert, key, servername, rejectUnauthorized } = options;
  const known = { authorization, ca, cert, key, servername, rejectUnauthorized };
  return Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined));
};

const serverOf = (config: KubeConfig): string => {
  const server = config.getCurrentCluster()?.server;
  if (server === undefined || server === '')
    throw new Error('the kubeconfig names no cluster for its current context');
  return server.replace(/\/+$/, '');
};

/**
 * Credentials of a kubeconfig file, or of the pod's service account when no path is given. Files are read again after
 * 60 s, and at once after a 401. Throws when they cannot be read.
 */
export const loadCredentials = async (
  source: Source,
  monotonic: () => number = () => performance.now(),
): Promise<Credentials> => {
  let config = await loadKubeConfig(source);
  let kept: { identity: Promise<Identity>; at: number } | undefined;
  let refused = false;

  const read = async (anew: boolean): Promise<Identity> => {
    // A plugin's answer lives in the config, with its expiry; files are only read when the config is made.
    const plugin = config.getCurrentUser()?.exec !== undefined;
    if (refused || (anew && !plugin)) {
      refused = false;
      config = await loadKubeConfig(source);
    }
    return identityOf(config);
  };

  const identify = (): Promise<Identity> => {
    if (kept !== undefined && !refused && monotonic() - kept.at < KEEP_MS) return kept.identity;
    const entry = { identity: read(kept !== undefined), at: monotonic() };
    kept = entry;
    entry.identity.catch(() => {
      if (kept === entry) refused = true;
    });
    return entry.identity;
  };

  const namespace = config.getContextObject(config.getCurrentContext())?.namespace;
  return {
    server: serverOf(config),
    ...(namespace === undefined ? {} : { namespace }),
    identify,
    renew: () => {
      refused = true;
    },
  };
};
