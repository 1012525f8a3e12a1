import type { AlertRule } from '../alert.ts';
import { isAsSevere } from '../alert.ts';
import type { Effect } from '../effects.ts';
import type { Snapshot } from '../snapshot.ts';
import { quote } from '../text.ts';
import { event } from './move.ts';

type Rule = Omit<AlertRule, 'name'>;

const rulesOf = ({ settings, operator }: Snapshot): Rule[] => [
  ...settings.alerts,
  ...(operator.alerts?.rules ?? []),
];

/** Names of the providers that the operator has set up. */
export const knownProviders = ({ operator }: Snapshot): readonly string[] => operator.alerts?.providers ?? [];

/** Each provider that there is once, with the least severe that any rule wants it to be told of. */
export const providersTold = (snapshot: Snapshot): Rule[] => {
  const told = new Map<string, Rule>();
  for (const { provider, severity } of rulesOf(snapshot)) {
    const least = told.get(provider)?.severity ?? severity;
    if (knownProviders(snapshot).includes(provider))
      told.set(provider, { provider, severity: isAsSevere(severity, least) ? least : severity });
  }
  return [...told.values()];
};

/** Providers that a policy names and nobody has set up. */
export const unknownProvidersTold = (snapshot: Snapshot): Effect[] => {
  const known = knownProviders(snapshot);
  const words = known.length === 0 ? 'none is configured' : `known: ${known.join(', ')}`;
  return snapshot.settings.alerts
    .filter(({ provider }) => !known.includes(provider))
    .map(({ name, provider }) =>
      event(
        `Alert ${quote(name)} names provider ${quote(provider)}, which Kanari does not know; ${words}`,
        'Warning',
      ),
    );
};
