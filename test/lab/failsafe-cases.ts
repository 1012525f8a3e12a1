import type { Deployment, KubeObject, StringMap } from '../../src/core/objects.ts';
import { RECREATE, type STATES, skip } from './failsafe-states.ts';
import { web } from './shop.ts';

// What clients ask of Deployments in every state, and what the failsafe alone makes of it.

const RUN = 'kanari.dev/run';
const PRIMARY = 'kanari.dev/primary';
const WEIGHT = 'kanari.dev/weight';
const HELD_BY = 'kanari.dev/held-by';
export const MARKS = [RUN, PRIMARY, WEIGHT, HELD_BY] as const;
type Mark = (typeof MARKS)[number];

/** What becomes of a request while no webhook answers. */
export interface Alone {
  paused: boolean;
  /** Those stored before that are still there. */
  marks: readonly Mark[];
  heldBy?: 'failsafe';
  /** The pod template is exactly the stored one. */
  sameTemplate?: boolean;
  podLabels?: StringMap;
  podAnnotations?: StringMap;
  /** A label or annotation of the pod template that is not there. */
  without?: string;
  /** Part of the one warning. */
  warning?: string;
}

const HOLD_LABEL = { 'kanari.dev/version': 'primary' };

const holds = (...marks: Mark[]): Alone => ({
  paused: true,
  marks,
  heldBy: 'failsafe',
  podLabels: HOLD_LABEL,
  warning: 'web is held, and its canary starts when kanari is back',
});
/** Against a request that would have ended the hold. */
const KEPT: Alone = {
  paused: true,
  marks: [RUN, PRIMARY, WEIGHT],
  heldBy: 'failsafe',
  sameTemplate: true,
  warning: 'web stays held until kanari is back',
};
const lets = (...marks: Mark[]): Alone => ({
  paused: false,
  marks,
  podLabels: HOLD_LABEL,
  warning: 'web is released without a canary',
});
const unchanged = (paused: boolean): Alone => ({ paused, marks: MARKS, sameTemplate: true });
/** Neither a mark nor a label of Kanari's. */
const UNTOUCHED: Alone = { paused: false, marks: [], without: 'kanari.dev/version' };

interface Pod {
  name?: string;
  labels?: StringMap;
  annotations?: StringMap;
}

const withPod = (manifest: Deployment, { name, labels, annotations }: Pod): Deployment => {
  const { metadata, ...template } = manifest.spec.template;
  const pod = {
    ...(name === undefined ? {} : { name }),
    labels: { ...metadata?.labels, ...labels },
    ...(annotations === undefined ? {} : { annotations }),
  };
  return { ...manifest, spec: { ...manifest.spec, template: { ...template, metadata: pod } } };
};

type Request = { args: readonly string[]; manifest?: KubeObject };

const apply = (manifest: Deployment): Request => ({ args: ['apply', '-f', '-'], manifest });
const serverSide = (manifest: Deployment): Request => ({
  args: ['apply', '--server-side', '--force-conflicts', '-f', '-'],
  manifest,
});
/** A PUT of nothing but the manifest. */
const put = (manifest: Deployment): Request => ({ args: ['replace', '-f', '-'], manifest });
const patch = (body: object, name = 'web'): Request => ({
  args: ['patch', `deployment/${name}`, '--type=merge', '-p', JSON.stringify(body)],
});
const annotate = (annotations: StringMap, rest: object = {}): Request =>
  patch({ metadata: { annotations }, ...rest });
const image = (tag: string): object => ({
  template: { spec: { containers: [{ name: 'web', image: `web:${tag}` }] } },
});

const restarted = { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': 'now' } } } };
const copied = { [RUN]: '1-0123456789', [HELD_BY]: 'webhook' };

export interface Case {
  state: keyof typeof STATES;
  request: Request;
  /** Another Deployment than `web`. */
  of?: string;
  /** With Kanari's own rights. */
  byKanari?: boolean;
  alone: Alone;
}

const v1 = web('v1');
const v2 = web('v2');
const v3 = web('v3');
const PLAIN = { version: 'primary' };
const ISTIO_LABEL = { 'sidecar.istio.io/inject': 'true' };
const ISTIO_CONFIG = 'proxy.istio.io/config';
const HOLD_PROXY = { [ISTIO_CONFIG]: '{"holdApplicationUntilProxyStarts": true}' };

const CHANGES: Record<string, Case> = {
  'a new template, applied': { state: 'serving', request: apply(v2), alone: holds() },
  'a new template, applied by the server': { state: 'serving', request: serverSide(v2), alone: holds() },
  'a new template, by a PUT': {
    state: 'serving',
    request: put(v2),
    alone: { ...holds(), podLabels: { ...HOLD_LABEL, ...PLAIN } },
  },
  'a new template with a version label of its own': {
    state: 'serving',
    request: apply(withPod(v2, { labels: { version: 'v2' } })),
    alone: { ...holds(), podLabels: { ...HOLD_LABEL, version: 'v2' } },
  },
  'a label of the pods': {
    state: 'serving',
    request: patch({ spec: { template: { metadata: { labels: { tier: '' } } } } }),
    alone: { ...holds(), podLabels: { tier: '' } },
  },
  'a name of the pod template': {
    state: 'serving',
    request: put(withPod(v1, { name: 'web' })),
    alone: holds(),
  },
  'the label of the split, forged': {
    state: 'serving',
    request: patch({ spec: { template: { metadata: { labels: { 'kanari.dev/version': 'canary' } } } } }),
    alone: unchanged(false),
  },
  'the same template, applied': { state: 'serving', request: apply(v1), alone: unchanged(false) },
  'the same template, by a PUT that drops what was injected': {
    state: 'serving',
    request: put(v1),
    alone: unchanged(false),
  },
  'a restart': { state: 'serving', request: patch({ spec: restarted }), alone: lets() },
  'a restart that is wanted as a canary': {
    state: 'serving',
    request: annotate({ 'kanari.dev/canary-restarts': 'true' }, { spec: restarted }),
    alone: holds(),
  },
  'a skipped template': {
    state: 'serving',
    request: annotate(skip('1'), { spec: image('v2') }),
    alone: lets(),
  },
  'a template with skip at false': {
    state: 'serving',
    request: annotate(skip('false'), { spec: image('v2') }),
    alone: holds(),
  },
  'a template with a skip left behind': {
    state: 'skipped',
    request: apply(web('v2', { annotations: skip('incident-1') })),
    alone: holds(),
  },
  'a template with another skip': {
    state: 'skipped',
    request: apply(web('v2', { annotations: skip('incident-2') })),
    alone: lets(),
  },
  'a template along with a scaling to zero': {
    state: 'serving',
    request: apply(web('v2', { replicas: 0 })),
    alone: lets(),
  },
  'a template along with the strategy Recreate': {
    state: 'serving',
    request: patch({ spec: { ...image('v2'), strategy: { type: 'Recreate', rollingUpdate: null } } }),
    alone: lets(),
  },
  'a template along with an opt-out': {
    state: 'serving',
    request: patch({ metadata: { labels: { 'kanari.dev/rollouts': 'disabled' } }, spec: image('v2') }),
    alone: lets(),
  },
  'a template along with an opt-out, out of a hold': {
    state: 'held',
    request: patch({ metadata: { labels: { 'kanari.dev/rollouts': 'disabled' } }, spec: image('v3') }),
    alone: { paused: true, marks: MARKS, podLabels: HOLD_LABEL },
  },
  "a person's pause": {
    state: 'serving',
    request: patch({ spec: { paused: true } }),
    alone: { paused: true, marks: [], sameTemplate: true },
  },
  "a person's pause along with a template": {
    state: 'serving',
    request: patch({ spec: { paused: true, ...image('v2') } }),
    alone: { paused: true, marks: [] },
  },
  'the marks of a hold, copied': {
    state: 'serving',
    request: annotate(copied, { spec: { paused: true } }),
    alone: { paused: false, marks: [], sameTemplate: true },
  },
  'the marks of a hold, copied with a template': {
    state: 'serving',
    request: annotate(copied, { spec: { paused: true, ...image('v2') } }),
    alone: holds(),
  },
};

const HELD: Record<string, Case> = {
  'the held template, applied': { state: 'held', request: apply(v2), alone: unchanged(true) },
  'a resume of what is held': { state: 'held', request: patch({ spec: { paused: null } }), alone: KEPT },
  'what is held with paused: false': {
    state: 'held',
    request: apply(web('v2', { spec: { paused: false } })),
    alone: KEPT,
  },
  'what is held, by a PUT': { state: 'held', request: put(v2), alone: KEPT },
  'what is held, by a PUT with paused: true': {
    state: 'held',
    request: put(web('v2', { spec: { paused: true } })),
    alone: unchanged(true),
  },
  'a forged mark': { state: 'held', request: annotate({ [RUN]: '1-0123456789' }), alone: unchanged(true) },
  'another template than what is held': { state: 'held', request: apply(v3), alone: holds(PRIMARY, WEIGHT) },
  'another template than what is held, by a PUT': {
    state: 'held',
    request: put(v3),
    alone: holds(PRIMARY, WEIGHT),
  },
  'the template that serves, while another is held': {
    state: 'held',
    request: apply(v1),
    alone: holds(PRIMARY, WEIGHT),
  },
  'a skip of what is held': { state: 'held', request: annotate(skip('1')), alone: lets(WEIGHT) },
  'a skip with another template than what is held': {
    state: 'held',
    request: annotate(skip('1'), { spec: image('v3') }),
    alone: lets(WEIGHT),
  },
  'a skip at false of what is held': {
    state: 'held',
    request: annotate(skip('false')),
    alone: unchanged(true),
  },
  'another template than what is held, along with a scaling to zero': {
    state: 'held',
    request: apply(web('v3', { replicas: 0 })),
    alone: lets(WEIGHT),
  },
  'another template than what is held, along with the strategy Recreate': {
    state: 'held',
    request: patch({ spec: { ...image('v3'), strategy: { type: 'Recreate', rollingUpdate: null } } }),
    alone: lets(WEIGHT),
  },
  'another template than what is held, after a missed deadline': {
    state: 'missed-deadline',
    request: apply(v3),
    alone: lets(WEIGHT),
  },
  'a template of the canary Deployment': {
    state: 'held',
    of: 'web-canary',
    request: patch({ spec: image('v4') }, 'web-canary'),
    alone: { paused: false, marks: [], podLabels: { 'kanari.dev/version': 'canary' } },
  },
  "a write of Kanari's own": {
    state: 'held',
    byKanari: true,
    request: patch({ spec: { paused: false } }),
    alone: { ...unchanged(false), marks: MARKS },
  },
};

const PAUSED: Record<string, Case> = {
  "the end of a person's pause": {
    state: 'paused',
    request: patch({ spec: { paused: null } }),
    alone: unchanged(false),
  },
  "a template while a person's pause lasts": {
    state: 'paused',
    request: apply(web('v2', { spec: { paused: true } })),
    alone: { paused: true, marks: MARKS },
  },
  "a template at the end of a person's pause": {
    state: 'paused',
    request: patch({ spec: { paused: null, ...image('v2') } }),
    alone: holds(),
  },
  'the end of a pause that has gathered a template': {
    state: 'gathered',
    request: patch({ spec: { paused: null } }),
    alone: holds(),
  },
  'the end of a pause that has gathered a template, skipped': {
    state: 'gathered',
    request: annotate(skip('1'), { spec: { paused: null } }),
    alone: { ...lets(), warning: 'web is released without a canary' },
  },
};

const EXEMPT: Record<string, Case> = {
  'a template at zero replicas': { state: 'zero', request: apply(web('v2', { replicas: 0 })), alone: lets() },
  'a template at the end of zero replicas': { state: 'zero', request: apply(v2), alone: lets() },
  'a template under the strategy Recreate': {
    state: 'recreate',
    request: apply(web('v2', { spec: RECREATE })),
    alone: lets(),
  },
  'a template without a history': {
    state: 'no-history',
    request: apply(web('v2', { spec: { revisionHistoryLimit: 0 } })),
    alone: lets(),
  },
  'a template when nothing is available': { state: 'down', request: apply(v2), alone: lets() },
  'a template in the middle of a rolling update': { state: 'mid-rollout', request: apply(v3), alone: lets() },
  "an operator's template": {
    state: 'operator-owned',
    request: patch({ spec: image('v2') }),
    alone: { paused: false, marks: [], podLabels: HOLD_LABEL },
  },
  "an operator's template, opted in": {
    state: 'operator-owned',
    request: patch({ metadata: { labels: { 'kanari.dev/rollouts': 'enabled' } }, spec: image('v2') }),
    alone: holds(),
  },
  'a template that is opted out': {
    state: 'opted-out',
    request: patch({ spec: image('v2') }),
    alone: UNTOUCHED,
  },
  'a template in an unlabelled namespace': { state: 'unlabelled', request: apply(v2), alone: UNTOUCHED },
};

const MESHES: Record<string, Case> = {
  'a PUT that drops what Istio needs': {
    state: 'istio',
    request: put(v1),
    alone: { ...unchanged(false), podLabels: ISTIO_LABEL, podAnnotations: HOLD_PROXY },
  },
  'a PUT of another template that drops what Istio needs': {
    state: 'istio',
    request: put(v2),
    alone: { ...holds(), podLabels: { ...HOLD_LABEL, ...PLAIN, ...ISTIO_LABEL }, podAnnotations: HOLD_PROXY },
  },
  'a PUT of another template that refuses the sidecar': {
    state: 'istio',
    request: put(withPod(v2, { labels: { 'sidecar.istio.io/inject': 'false' } })),
    alone: { ...holds(), podLabels: { 'sidecar.istio.io/inject': 'false' }, without: ISTIO_CONFIG },
  },
  'a PUT that drops what Linkerd needs': { state: 'linkerd', request: put(v1), alone: unchanged(false) },
  'a PUT that drops what the namespace asks for': {
    state: 'linkerd-namespace',
    request: put(v1),
    alone: unchanged(false),
  },
  'a PUT that drops what a namespace of Istio asks for': {
    state: 'istio-namespace',
    request: put(v1),
    alone: { ...unchanged(false), podLabels: ISTIO_LABEL, podAnnotations: HOLD_PROXY },
  },
  'a PUT that drops what a namespace with a revision of Istio asks for': {
    state: 'istio-revision',
    request: put(v1),
    alone: { ...unchanged(false), podLabels: ISTIO_LABEL, podAnnotations: HOLD_PROXY },
  },
  'a sidecar label that no setting asks for': {
    state: 'serving',
    request: put(withPod(v1, { labels: ISTIO_LABEL })),
    alone: { ...holds(), podLabels: ISTIO_LABEL },
  },
};

export const CASES: Record<string, Case> = { ...CHANGES, ...HELD, ...PAUSED, ...EXEMPT, ...MESHES };
