import type { LabelSelector, StringMap } from './objects.ts';

/** Whether a selector picks an object with these labels; one without any requirement picks nothing here. */
export const selects = (
  { matchLabels = {}, matchExpressions = [] }: LabelSelector,
  labels: StringMap,
): boolean => {
  const equalities = Object.entries(matchLabels);
  if (equalities.length + matchExpressions.length === 0) return false;
  return (
    equalities.every(([key, value]) => labels[key] === value) &&
    matchExpressions.every((requirement) => isMet(requirement, labels))
  );
};

type Requirement = NonNullable<LabelSelector['matchExpressions']>[number];

const isMet = ({ key, operator, values = [] }: Requirement, labels: StringMap): boolean => {
  const value = labels[key];
  const listed = value !== undefined && values.includes(value);
  if (operator === 'In') return listed;
  if (operator === 'NotIn') return !listed;
  return (value !== undefined) === (operator === 'Exists');
};
