// Figures for people. Shares are cut, never rounded up: 99.996 % must not read as 100 %.

const thousands = new Intl.NumberFormat('en-US', { maximumFractionDigits: 3 });

/** `1,240` */
export const figure = (value: number): string => thousands.format(value);

const sixDigits = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 6 });

/** A value of any size in six digits: `0.000125`, `1,240.5`, `2.5e+21`. */
export const measure = (value: number): string => {
  const size = Math.abs(value);
  const plain = size === 0 || (size >= 1e-6 && size < 1e15);
  return plain ? sixDigits.format(value) : String(Number(value.toPrecision(6)));
};

/** `1 request`, `1,240 requests` */
export const counted = (count: number, noun: string): string =>
  `${figure(count)} ${noun}${count === 1 ? '' : 's'}`;

/** `99.83 %`: `part` of `whole`, in whole hundredths of a percent, cut. */
export const percent = (part: number, whole: number): string =>
  `${(Math.floor((part * 10_000) / whole) / 100).toFixed(2)} %`;
