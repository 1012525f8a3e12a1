import { CANARY, PRIMARY } from '../marks.ts';
import type { Side } from '../traffic-split.ts';

// Names of the subsets that a split adds beside the user's own.

const prefixOf = (side: Side): string => `kanari-${side}`;

/** Name of a side's subset: of the whole host, or of the user's subset named. */
export const subsetOf = (side: Side, of: string | undefined): string =>
  of === undefined ? prefixOf(side) : `${prefixOf(side)}-${of}`;

/** Which side of which of the user's subsets a name stands for; undefined when it is no name of Kanari's. */
export const parseSubset = (name: string | undefined): { side: Side; of: string | undefined } | undefined => {
  for (const side of [PRIMARY, CANARY] as const) {
    const prefix = prefixOf(side);
    if (name === prefix) return { side, of: undefined };
    if (name?.startsWith(`${prefix}-`) === true) return { side, of: name.slice(prefix.length + 1) };
  }
  return undefined;
};
