import type { Effect } from '../effects.ts';
import { selects } from '../label-selector.ts';
import type { DisruptionBudget, StringMap } from '../objects.ts';
import { judgesRequests, SIGNALS_DECIDE, uncounted } from '../without-routes.ts';
import { event, type RunContext } from './move.ts';

// What a person should know as a canary gets its first pods, because nobody would look for it in a canary.

const isSelected = ({ spec }: DisruptionBudget, labels: StringMap): boolean => {
  const { selector } = spec ?? {};
  if (selector === undefined) return false;
  const { matchLabels = {}, matchExpressions = [] } = selector;
  // Empty, it is about every pod of the namespace.
  if (Object.keys(matchLabels).length + matchExpressions.length === 0) return true;
  return selects(selector, labels);
};

/** A percentage is of all pods that it selects, and grows with them; a plain number does not. */
const byNumber = ({ spec: { minAvailable, maxUnavailable } = {} }: DisruptionBudget): string | undefined => {
  if (typeof minAvailable === 'number') return `minAvailable: ${minAvailable}`;
  return typeof maxUnavailable === 'number' ? `maxUnavailable: ${maxUnavailable}` : undefined;
};

const budgetWarnings = ({ snapshot, facts }: RunContext): string[] =>
  snapshot.disruptionBudgets.flatMap((budget) => {
    const rule = byNumber(budget);
    if (rule === undefined || !isSelected(budget, facts.deployment.spec.template.metadata?.labels ?? {}))
      return [];
    const { name } = budget.metadata;
    return `the PodDisruptionBudget ${name} (${rule}) counts the canary's pods as the primary's own; a percentage would grow with them`;
  });

const evidenceWarnings = ({ snapshot, facts }: RunContext): string[] => {
  const { settings, traffic, evidence } = snapshot;
  const { name } = facts.deployment.metadata;
  if (!judgesRequests(settings) || evidence.kind === 'unconfigured') return [];
  if (traffic.provider === 'none')
    return settings.metrics.length > 0
      ? []
      : [`${name} has no traffic to judge: readiness and restarts of its canary decide`];
  return traffic.provider === 'replicas' ? [uncounted(name)] : [];
};

/** Events for the beginning of a run. */
export const forewarnings = (context: RunContext): Effect[] =>
  [...budgetWarnings(context), ...evidenceWarnings(context)].map((message) => event(message, 'Warning'));

/** What to add where the metrics server knows nothing of a canary that no route splits for. */
export const adviceWithoutEvidence = ({ snapshot: { traffic, evidence } }: RunContext): string =>
  traffic.provider === 'replicas' && evidence.kind === 'empty' ? `; ${SIGNALS_DECIDE}` : '';
