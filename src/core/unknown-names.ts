import { DOMAIN, ROLLOUTS_LABEL } from './marks.ts';
import { nearestName } from './nearest-name.ts';
import type { StringMap } from './objects.ts';
import { quote } from './text.ts';

// Beyond these nobody reads on, and an object may have thousands: looking for the nearest name is what costs.
const MOST_HINTS = 10;

const ROLLOUTS_VALUES = ['enabled', 'disabled'];

/**
 * A warning for each label of a Deployment that its user takes to mean what it does not.
 * @param settings names of settings without the domain
 */
export const misplacedLabels = (labels: StringMap, settings: readonly string[]): string[] => {
  const rollouts = labels[ROLLOUTS_LABEL];
  const unclear = rollouts !== undefined && !ROLLOUTS_VALUES.includes(rollouts);
  return [
    ...(unclear
      ? [
          `label ${ROLLOUTS_LABEL}: expected enabled or disabled, got ${quote(rollouts)} (example: "disabled")`,
        ]
      : []),
    ...settings
      .filter((name) => labels[DOMAIN + name] !== undefined)
      .map((name) => `${DOMAIN}${name} is an annotation, not a label: it has no effect here`),
  ];
};

/**
 * A warning for each annotation of Kanari's domain that it does not know.
 * @param settings names of settings without the domain: what a misspelt one may have meant
 * @param known annotations that Kanari reads or writes, settings included
 */
export const unknownNames = (
  annotations: StringMap,
  settings: readonly string[],
  known: ReadonlySet<string>,
): string[] =>
  Object.keys(annotations)
    .filter((name) => name.startsWith(DOMAIN) && !known.has(name))
    .map((name, index) => {
      if (name === ROLLOUTS_LABEL) return `${name} is a label, not an annotation: it has no effect here`;
      const nearest = index < MOST_HINTS ? nearestName(name.slice(DOMAIN.length), settings) : undefined;
      const hint = nearest === undefined ? '' : `: did you mean ${DOMAIN}${nearest}?`;
      return `${quote(name)} is not an annotation of Kanari's${hint}`;
    });
