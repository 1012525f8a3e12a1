/** Makes a switch over a union exhaustive: a member without a case does not type-check. */
export const assertNever = (value: never): never => {
  throw new Error(`unhandled: ${JSON.stringify(value)}`);
};
