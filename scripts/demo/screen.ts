// The terminal: text that stays, and below it a block that is redrawn. Without a terminal, lines that are appended.

export interface LiveView {
  /** Redrawn in place on a terminal. */
  block: readonly string[];
  /** Said instead where nothing can be redrawn. */
  line: string;
  /** The line is said anew when this changes. */
  mark: string;
}

export interface Screen {
  say(text: string): void;
  show(view: LiveView): void;
  /** The block stays as it is, and what comes is below it. */
  settle(): void;
}

export interface Output {
  write(text: string): unknown;
  isTTY?: boolean | undefined;
  columns?: number | undefined;
}

export const createScreen = (output: Output): Screen =>
  output.isTTY === true ? redrawn(output) : appended(output);

const appended = (output: Output): Screen => {
  let mark: string | undefined;
  return {
    say: (text) => void output.write(`${text}\n`),
    show: (view) => {
      if (view.mark === mark) return;
      mark = view.mark;
      output.write(`${view.line}\n`);
    },
    settle: () => {
      mark = undefined;
    },
  };
};

const redrawn = (output: Output): Screen => {
  let drawn: string[] = [];
  // A line that wraps would make the way back up too short.
  const fitted = (line: string): string => [...line].slice(0, (output.columns ?? 100) - 1).join('');
  const erase = (): string => (drawn.length === 0 ? '' : `\x1b[${drawn.length}A\x1b[J`);
  const lines = (): string => drawn.map((line) => `${line}\n`).join('');
  return {
    say: (text) => void output.write(`${erase()}${text}\n${lines()}`),
    show: ({ block }) => {
      const before = erase();
      drawn = block.map(fitted);
      output.write(before + lines());
    },
    settle: () => {
      drawn = [];
    },
  };
};
