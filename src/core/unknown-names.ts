import { DOMAIN, ROLLOUTS_LABEL } from './marks.ts';
import { nearestName } from './nearest-name.ts';
import type { StringMap } from './objects.ts';
import { quote } from './text.ts';

// Beyond these nobody reads on, and an object may have thousands: looking for the nearest name is what costs.
const MOST_HINTS = 10;

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
