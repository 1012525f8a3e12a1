import { annotationsOf, type Deployment, type Namespace } from '../core/objects.ts';
import type { Settings } from '../core/release-settings.ts';
import { parseSettings } from '../core/settings.ts';
import type { Stores } from './stores.ts';

/** The settings of a Deployment, from caches; of one that is gone those of its namespace. */
export const settingsFor = (
  { canaryPolicies }: Pick<Stores, 'canaryPolicies'>,
  deployment: Deployment | undefined,
  namespace: Namespace,
): Settings =>
  parseSettings({
    deployment: deployment === undefined ? {} : annotationsOf(deployment),
    namespace: annotationsOf(namespace),
    policies: canaryPolicies.inNamespace(namespace.metadata.name),
  }).settings;
