import type { CommandResult } from '../../../lab/command.ts';
import type { Deployment, KubeObject } from '../../../src/core/objects.ts';
import { imageOf, type Shop } from '../shop.ts';

// Every way in which clients change a Deployment. All of them by kubectl, which shows the API server's warnings.

/** One call of kubectl. */
export interface Command {
  args: string[];
  stdin?: KubeObject;
  env?: Record<string, string>;
}

/**
 * What a client asks for: a template newer than what is stored, the same, or the one that serves; by a manifest, by
 * the image alone, or by a PUT, which takes away whatever it does not say.
 */
export type Ask =
  | 'newer'
  | 'newerImage'
  | 'newerByPut'
  | 'same'
  | 'sameByPut'
  | 'back'
  | 'backImage'
  | 'backByPut'
  | 'restart'
  | 'restartByPatch'
  | 'undo'
  | 'pause'
  | 'pauseInManifest'
  | 'resume'
  | 'resumeInManifest'
  | 'scale';

/** Where and what a verb is about. */
export interface Target {
  namespace: string;
  /** As its user keeps it, with the template that is asked for. */
  manifest: Deployment;
}

export type Verb = (target: Target) => Command;

export const withoutAnnotations = ({ metadata, ...rest }: Deployment): Deployment => {
  const { annotations: _, ...others } = metadata;
  return { ...rest, metadata: others };
};

const reading =
  (...args: string[]): Verb =>
  ({ manifest }) => ({ args: [...args, '-f', '-'], stdin: manifest });

const ofWeb =
  (...args: string[]): Verb =>
  () => ({ args: [...args, 'deployment/web'] });

const patch = (type: string, body: unknown): Command => ({
  args: ['patch', 'deployment/web', `--type=${type}`, '-p', JSON.stringify(body)],
});

const APPLIES: Record<string, Verb> = {
  'kubectl apply': reading('apply'),
  'server-side apply': reading('apply', '--server-side'),
};

const IMAGES: Record<string, Verb> = {
  'a JSON patch': ({ manifest }) =>
    patch('json', [
      { op: 'replace', path: '/spec/template/spec/containers/0/image', value: imageOf(manifest) },
    ]),
  'kubectl set image': ({ manifest }) => ({
    args: ['set', 'image', 'deployment/web', `web=${imageOf(manifest)}`],
  }),
  'kubectl edit': ({ manifest }) => ({
    args: ['edit', 'deployment/web'],
    env: { KUBE_EDITOR: `sed -i 's|image: web:.*|image: ${imageOf(manifest)}|'` },
  }),
};

const PUTS: Record<string, Verb> = {
  'kubectl replace': reading('replace'),
  'a PUT without annotations': ({ namespace, manifest }) => ({
    args: ['replace', '--raw', `/apis/apps/v1/namespaces/${namespace}/deployments/web`, '-f', '-'],
    stdin: withoutAnnotations(manifest),
  }),
};

const saying =
  (paused: boolean): Verb =>
  ({ manifest, ...target }) =>
    reading('apply')({ ...target, manifest: { ...manifest, spec: { ...manifest.spec, paused } } });

const RESTARTED_AT = { 'kubectl.kubernetes.io/restartedAt': '2026-11-21T07:00:00Z' };

export const VERBS: Record<Ask, Record<string, Verb>> = {
  newer: APPLIES,
  newerImage: IMAGES,
  newerByPut: PUTS,
  same: APPLIES,
  sameByPut: PUTS,
  back: APPLIES,
  backImage: IMAGES,
  backByPut: PUTS,
  restart: { 'kubectl rollout restart': ofWeb('rollout', 'restart') },
  // As dashboards do: kubectl refuses to restart a paused Deployment, they do not.
  restartByPatch: {
    'a patch of restartedAt': () =>
      patch('strategic', { spec: { template: { metadata: { annotations: RESTARTED_AT } } } }),
  },
  undo: { 'kubectl rollout undo': ofWeb('rollout', 'undo') },
  pause: { 'kubectl rollout pause': ofWeb('rollout', 'pause') },
  pauseInManifest: { 'a manifest with paused: true': saying(true) },
  resume: { 'kubectl rollout resume': ofWeb('rollout', 'resume') },
  resumeInManifest: { 'a manifest with paused: false': saying(false) },
  scale: {
    'kubectl scale': ({ manifest }) =>
      ofWeb('scale', `--replicas=${(manifest.spec.replicas ?? 1) + 1}`)({ namespace: '', manifest }),
  },
};

/** Show what an apply would store, and store nothing. */
export const DRY_RUN = reading('apply', '--dry-run=server', '-o', 'json');
export const DIFF = reading('diff');
export const APPLY_AND_SHOW = reading('apply', '-o', 'json');

/** Every way to create one. */
export const CREATES: Record<string, Verb> = {
  ...APPLIES,
  'kubectl create': reading('create'),
  'a POST': ({ namespace, manifest }) => ({
    args: ['create', '--raw', `/apis/apps/v1/namespaces/${namespace}/deployments`, '-f', '-'],
    stdin: manifest,
  }),
};

/** As a client that tries again when it loses a race against a write of the status. Never rejects for kubectl's code. */
export const send = async (shop: Shop, command: Command): Promise<CommandResult> => {
  const { args, stdin, env } = command;
  const said = await shop.kubectl(args, {
    allowFailure: true,
    ...(stdin === undefined ? {} : { stdin: JSON.stringify(stdin) }),
    ...(env === undefined ? {} : { env }),
  });
  return said.stderr.includes('the object has been modified') ? send(shop, command) : said;
};
