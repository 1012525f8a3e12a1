const editDistance = (from: string, to: string): number => {
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const substitution = (previous[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[to.length] ?? 0;
};

/** The name a misspelt one was probably meant to be; undefined when none is near (over a third differs). */
export const nearestName = (misspelt: string, names: readonly string[]): string | undefined => {
  // Cut, because a name from outside may be long and the distance costs the product of both lengths.
  const word = misspelt.slice(0, 64).toLowerCase();
  const [nearest] = names
    .map((name) => ({ name, distance: editDistance(word, name) }))
    .filter(({ name, distance }) => distance * 3 <= Math.max(name.length, word.length))
    .sort((a, b) => a.distance - b.distance);
  return nearest?.name;
};
