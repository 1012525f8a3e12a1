export interface Table {
  /** Prints a row as soon as it is known. */
  add(row: readonly string[]): void;
}

// Wide enough for any figure printed here.
const FIGURE_WIDTH = 9;

/** Prints the heading. The names are those of all rows to come: they make the first column's width. */
export const startTable = (heading: readonly string[], names: readonly string[]): Table => {
  const nameWidth = Math.max(...names.map(({ length }) => length));
  const add = ([name = '', ...figures]: readonly string[]): void => {
    const cells = figures.map((figure, column) =>
      figure.padStart(Math.max(FIGURE_WIDTH, heading[column]?.length ?? 0)),
    );
    console.log(`  ${[name.padEnd(nameWidth), ...cells].join('   ')}`);
  };
  add(['', ...heading]);
  return { add };
};
