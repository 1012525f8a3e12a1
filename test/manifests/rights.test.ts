import { describe, expect, it } from 'vitest';
import { SECRET_NAME } from '../../src/certs/keyring-secret.ts';
import { RESOURCES } from '../../src/kube/resources.ts';
import { ofKind, theOnly } from './manifests.ts';

const kanariRules = ['Role', 'ClusterRole'].flatMap((kind) =>
  ofKind(kind)
    .filter(({ metadata }) => metadata.name === 'kanari')
    .flatMap(({ rules }) => rules),
);

describe("Kanari's rights", () => {
  it('have no wildcard', () => {
    for (const { rules } of [...ofKind('Role'), ...ofKind('ClusterRole')])
      expect(JSON.stringify(rules)).not.toContain('*');
  });

  it('never include a PUT of anything of the user, and no escalation', () => {
    const updates = kanariRules
      .filter(({ verbs }) => verbs.includes('update'))
      .flatMap(({ resources }) => resources);
    expect(updates).toEqual(['deployments/finalizers']);
    expect(kanariRules.flatMap(({ verbs }) => verbs)).not.toContain('escalate');
  });

  it('reach secrets in its own namespace only, and only the one by name', () => {
    const secrets = ofKind('ClusterRole').flatMap(({ rules }) =>
      rules.filter(({ resources }) => resources.includes('secrets')),
    );
    expect(secrets).toEqual([]);
    const role = theOnly('Role');
    const own = role.rules.filter(({ resources }) => resources.includes('secrets'));
    expect(own.map(({ verbs, resourceNames }) => [verbs, resourceNames])).toEqual([
      [['create'], undefined],
      [['get', 'patch'], [SECRET_NAME]],
    ]);
  });

  it('reach every kind it reads or writes', () => {
    // Asking who one is needs no right.
    const kinds = Object.entries(RESOURCES).filter(([kind]) => kind !== 'SelfSubjectReview');
    for (const [kind, { group, plural }] of kinds) {
      const granted = kanariRules.some(
        (rule) => rule.apiGroups.includes(group) && rule.resources.includes(plural),
      );
      expect([kind, granted]).toEqual([kind, true]);
    }
  });
});
