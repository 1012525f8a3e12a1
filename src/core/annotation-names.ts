// Misspelt annotation names: found by the small number of edits that lead to a known one.

/** Beyond this a suggestion would be a guess. */
const MOST_EDITS = 3;

/** The known name nearest to `name`; undefined when none is near. */
export const nearestName = (name: string, known: readonly string[]): string | undefined => {
  // Both bounds also keep a hostile name cheap: nothing longer than a known name by more than the edits is compared.
  const candidates = known
    .filter((candidate) => Math.abs(candidate.length - name.length) <= MOST_EDITS)
    .map((candidate) => ({ candidate, edits: editsBetween(name.toLowerCase(), candidate) }))
    .filter(({ candidate, edits }) => edits <= Math.min(MOST_EDITS, Math.floor(candidate.length / 2)))
    .sort((a, b) => a.edits - b.edits);
  return candidates[0]?.candidate;
};

/** Levenshtein distance: insertions, deletions and replacements of one character. */
const editsBetween = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
};
