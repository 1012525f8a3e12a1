// Durations as Kubernetes users write them (Go's form): "30s", "1m30s", "1.5h", "500ms".

const UNITS: readonly (readonly [unit: string, milliseconds: number])[] = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
];

const MILLISECONDS = new Map(UNITS);

// One or more `<number><unit>`; the digits are bounded so that no text can be slow or overflow.
const WHOLE = /^(?:\d{1,9}(?:\.\d{1,9})?(?:ms|h|m|s))+$/;
const PART = /(\d+(?:\.\d+)?)(ms|h|m|s)/g;
const LONGEST_TEXT = 40;

/** Milliseconds (an integer) that `text` stands for; undefined when it is no duration. "0" is one without a unit. */
export const parseDuration = (text: string): number | undefined => {
  if (text === '0') return 0;
  if (text.length > LONGEST_TEXT || !WHOLE.test(text)) return undefined;
  let total = 0;
  for (const [, amount = '', unit = ''] of text.matchAll(PART)) {
    total += Number(amount) * (MILLISECONDS.get(unit) ?? 0);
  }
  return Math.round(total);
};

/** The shortest form that `parseDuration` reads back to the same: `1m30s`, `500ms`, `0s`. `ms` is rounded. */
export const formatDuration = (ms: number): string => {
  let rest = Math.max(0, Math.round(ms));
  let text = '';
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text === '' ? '0s' : text;
};
