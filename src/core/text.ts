const LONGEST_QUOTE = 40;

/** A piece of someone else's text, fit for one line of a message: short and without control characters. */
export const quote = (text: string): string => {
  // Cut first: what is thrown away need not be cleaned.
  const start = text.slice(0, LONGEST_QUOTE).replace(/\p{C}/gu, '·');
  return text.length > LONGEST_QUOTE ? `${start}…` : start;
};
