import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Identity {
  user: string;
  groups: string[];
  token: string;
}

/** Who may talk to the API server: an administrator, and Kanari with nothing but what its RBAC grants. */
export interface Credentials {
  admin: Identity;
  kanari: Identity;
  /** For `--token-auth-file`. */
  tokenFile: string;
  /** Signs and checks ServiceAccount tokens. */
  serviceAccountKeyFile: string;
}

export const createCredentials = async (dir: string): Promise<Credentials> => {
  const admin = identity('lab-admin', ['system:masters']);
  // As the token of a real ServiceAccount would present itself, so that RoleBindings to it apply.
  const kanari = identity('system:serviceaccount:kanari-system:kanari', [
    'system:serviceaccounts',
    'system:serviceaccounts:kanari-system',
    'system:authenticated',
  ]);
  const tokenFile = join(dir, 'tokens.csv');
  const serviceAccountKeyFile = join(dir, 'service-account.key');
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await writeFile(tokenFile, [admin, kanari].map(tokenLine).join(''), { mode: 0o600 });
  await writeFile(serviceAccountKeyFile, privateKey.export({ type: 'sec1', format: 'pem' }), { mode: 0o600 });
  return { admin, kanari, tokenFile, serviceAccountKeyFile };
};

/** A kubeconfig with one context. JSON, which every reader of YAML takes. */
export const kubeconfigOf = (server: { url: string; ca: string }, { user, token }: Identity): string =>
  JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: 'lab',
          cluster: {
            server: server.url,
            'certificate-authority-data': Buffer.from(server.ca).toString('base64'),
          },
        },
      ],
      users: [{ name: user, user: { token } }],
      contexts: [{ name: 'lab', context: { cluster: 'lab', user } }],
      'current-context': 'lab',
    },
    null,
    2,
  );

const identity = (user: string, groups: string[]): Identity => ({
  user,
  groups,
  token: randomBytes(16).toString('hex'),
});

const tokenLine = ({ token, user, groups }: Identity): string =>
  `${token},${user},${user},"${groups.join(',')}"\n`;
