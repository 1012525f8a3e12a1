import type { Deployment, StringMap } from '../../src/core/objects.ts';
import { type Shop, SLOW, web } from './shop.ts';

export const RECREATE = { strategy: { type: 'Recreate' } };
export const skip = (value: string): StringMap => ({ 'kanari.dev/skip': value });

/** What a Deployment is like before the requests; its shop is a namespace of the same name. */
export const STATES = {
  serving: {},
  skipped: { first: () => web('v1', { annotations: skip('incident-1') }) },
  held: { then: (shop: Shop) => shop.apply(web('v2')), weight: 50 },
  'missed-deadline': { then: (shop: Shop) => shop.apply(web('v2')), weight: 50 },
  paused: { then: (shop: Shop) => shop.kubectl(['rollout', 'pause', 'deployment/web']) },
  gathered: {
    then: async (shop: Shop) => {
      await shop.kubectl(['rollout', 'pause', 'deployment/web']);
      await shop.apply(web('v2'));
    },
  },
  zero: { first: () => web('v1', { replicas: 0 }) },
  recreate: { first: () => web('v1', { spec: RECREATE }) },
  'no-history': { first: () => web('v1', { spec: { revisionHistoryLimit: 0 } }) },
  'operator-owned': {},
  down: { first: () => web('v1-neverready'), unsettled: true },
  'mid-rollout': {
    then: (shop: Shop) =>
      shop.apply(
        web('v2-neverready', {
          annotations: skip('1'),
          // Past its deadline it would be answered otherwise, and all requests come three times over.
          spec: { progressDeadlineSeconds: 7_200 },
        }),
      ),
  },
  'opted-out': {
    first: () => ({ ...web('v1'), metadata: { name: 'web', labels: { 'kanari.dev/rollouts': 'disabled' } } }),
  },
  unlabelled: { optedIn: false },
  istio: { settings: { 'kanari.dev/sidecar': 'istio' } },
  linkerd: { settings: { 'kanari.dev/sidecar': 'linkerd' } },
  'linkerd-namespace': { settings: { 'linkerd.io/inject': 'enabled' } },
  'istio-namespace': { labels: { 'istio-injection': 'enabled' } },
  'istio-revision': { labels: { 'istio.io/rev': 'stable' } },
} satisfies Record<string, State>;

export interface State {
  /** Default: two pods of v1. */
  first?: () => Deployment;
  /** It never becomes available. */
  unsettled?: boolean;
  optedIn?: boolean;
  /** Further annotations of the namespace. */
  settings?: StringMap;
  /** Further labels of the namespace, by which a mesh injects its sidecar. */
  labels?: StringMap;
  then?: (shop: Shop) => Promise<unknown>;
  /** The canary's weight that a run is at when the requests come. */
  weight?: number;
}

export const settingsOf = (state: State): StringMap => ({ ...SLOW, ...state.settings });
