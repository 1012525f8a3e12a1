// Figures for people. Shares are cut, never rounded up: 99.996 % must not read as 100 %.

const thousands = new Intl.NumberFormat('en-US', { maximumFractionDigits: 3 });

/** `1,240` */
export const figure = (value: number): string => thousands.format(value);

/** `1 request`, `1,240 requests` */
export const counted = (count: number, noun: string): string =>
  `${figure(count)} ${noun}${count === 1 ? '' : 's'}`;

/** `99.83 %`: `part` of `whole`, in whole hundredths of a percent, cut. */
export const percent = (part: number, whole: number): string =>
  `${(Math.floor((part * 10_000) / whole) / 100).toFixed(2)} %`;
