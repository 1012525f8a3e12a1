import { describe, expect, it, test } from 'vitest';
import { parseSettings } from '../src/core/settings.ts';
import { parseIntegrations } from '../src/integrations/schema.ts';
import { documentedPolicies, otherExamples } from './documented-policies.ts';
import { documentsIn } from './manifests/manifest-files.ts';

// What docs/ shows of CanaryPolicies, held against Kanari's own reader and the schema. `test/lab/canary-policy.test.ts`
// asks the API server about the same examples.

interface Schema {
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: Schema;
}

interface Definition {
  spec: { versions: { schema: { openAPIV3Schema: Schema } }[] };
}

/** `match[].headers.*`: entries of a list or a map have one path, whatever they are called. */
const fieldsOf = (schema: Schema, path: string): string[] => [
  ...Object.entries(schema.properties ?? {}).flatMap(([name, field]) => [
    `${path}.${name}`,
    ...fieldsOf(field, `${path}.${name}`),
  ]),
  ...(schema.items === undefined ? [] : fieldsOf(schema.items, `${path}[]`)),
  ...(schema.additionalProperties === undefined ? [] : fieldsOf(schema.additionalProperties, `${path}.*`)),
];

/** The paths of the schema that a value fills. */
const fieldsIn = (value: unknown, schema: Schema, path: string): string[] => {
  if (Array.isArray(value)) return value.flatMap((item) => fieldsIn(item, schema.items ?? {}, `${path}[]`));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, item]) => {
    const field = schema.properties?.[name];
    return field === undefined
      ? fieldsIn(item, schema.additionalProperties ?? {}, `${path}.*`)
      : [`${path}.${name}`, ...fieldsIn(item, field, `${path}.${name}`)];
  });
};

const [definition] = documentsIn<Definition>('base/crds/canary-policies.yaml');
const schema = definition?.spec.versions[0]?.schema.openAPIV3Schema.properties?.['spec'] ?? {};

describe('the examples of a CanaryPolicy in docs/', () => {
  it('show every field', () => {
    // How a value must look is the same for headers, cookies and query: once is enough.
    const once = (path: string): string => path.replace(/^spec\.match\[\]\.\w+\.\*/, 'spec.match[].*');
    const fields = fieldsOf(schema, 'spec').map(once);
    const shown = documentedPolicies.flatMap(({ policy }) => fieldsIn(policy.spec, schema, 'spec').map(once));
    expect(fields.length).toBeGreaterThan(50);
    expect(fields.filter((field) => !shown.includes(field))).toEqual([]);
  });

  test.each(documentedPolicies)('$place is understood by Kanari', ({ policy }) => {
    const named = { ...policy, metadata: { name: 'example' } };
    const deployment = { 'kanari.dev/policy': 'example' };
    const parsed = parseSettings({ deployment, namespace: {}, policies: [named] });
    expect(parsed).toMatchObject({ ok: true, warnings: [], settings: { policyProblem: undefined } });
  });

  test.each(otherExamples)('$place is no policy, and a file of integrations', ({ content }) => {
    expect(parseIntegrations(content)).toMatchObject({ ok: true });
  });
});
