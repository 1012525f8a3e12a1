const MILLISECONDS = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;

// Units in falling order, each at most once, as Go and kubectl print them.
const PATTERN = /^(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?$/;

/** Milliseconds of `500ms`, `5s`, `1m30s`, `1.5h` or `0`; undefined when the text is no duration. */
export const parseDuration = (text: string): number | undefined => {
  if (text === '0') return 0;
  const match = PATTERN.exec(text);
  if (match === null || text === '') return undefined;
  const [, hours = '0', minutes = '0', seconds = '0', milliseconds = '0'] = match;
  const total =
    Number(hours) * MILLISECONDS.h +
    Number(minutes) * MILLISECONDS.m +
    Number(seconds) * MILLISECONDS.s +
    Number(milliseconds);
  return Number.isSafeInteger(Math.round(total)) ? Math.round(total) : undefined;
};

/** The shortest text that `parseDuration` reads back as the same milliseconds: `1m30s`, `10m`, `0s`. */
export const formatDuration = (milliseconds: number): string => {
  let rest = Math.max(0, Math.round(milliseconds));
  if (rest === 0) return '0s';
  let text = '';
  for (const [unit, size] of Object.entries(MILLISECONDS)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) text += `${count}${unit}`;
  }
  return text;
};
