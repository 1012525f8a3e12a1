// Istio's `exportTo`: which namespaces see a VirtualService or a DestinationRule.

/** Without a list, and with an empty one, all do. */
const listOf = (exportTo: readonly string[] | undefined): readonly string[] =>
  exportTo === undefined || exportTo.length === 0 ? ['*'] : exportTo;

export const isVisible = (exportTo: readonly string[] | undefined, home: string, to: string): boolean =>
  listOf(exportTo).some((name) => name === '*' || name === to || (name === '.' && home === to));

/** The order in which istiod goes through rules that a namespace sees: its private ones, those meant for it, public ones. */
export const closenessOf = (exportTo: readonly string[] | undefined): number => {
  const list = listOf(exportTo);
  if (list.includes('*')) return 2;
  return list.includes('.') ? 0 : 1;
};
