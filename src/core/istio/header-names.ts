// Istio keeps demands on headers, and operations on them, in maps by name: one for each. Envoy doesn't look at the
// case of a header's name, and the keys of a map do, so that another spelling makes room for one more.

const LETTER = /[a-z]/g;

/** The n-th spelling of a name: the bits of n say which letters are large. */
const spelling = (name: string, n: number): string => {
  let bit = 1;
  return name.toLowerCase().replace(LETTER, (letter) => {
    const isLarge = (n & bit) !== 0;
    bit *= 2;
    return isLarge ? letter.toUpperCase() : letter;
  });
};

/** The name in a spelling that the map has no key of; undefined for a name without letters enough. */
export const spelledAnew = (name: string, taken: object): string | undefined => {
  const letters = name.toLowerCase().match(LETTER)?.length ?? 0;
  for (let n = 0; n < 2 ** Math.min(letters, 5); n += 1) {
    const spelled = spelling(name, n);
    if (!Object.hasOwn(taken, spelled)) return spelled;
  }
  return undefined;
};
