import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { parseAllDocuments, parse as parseYaml } from 'yaml';
import { SECRET_NAME } from '../src/certs/keyring-secret.ts';
import { CONFIGURATION_NAME, SERVICE_NAME } from '../src/certs/webhook-registration.ts';
import { type CanaryPolicy, fieldOf } from '../src/core/canary-policy.ts';
import { injectionFor } from '../src/core/injection.ts';
import { MARKS, SPLIT_ANNOTATION } from '../src/core/marks.ts';
import type { CanaryStatus } from '../src/core/run.ts';
import { SETTING_NAMES } from '../src/core/setting-level.ts';
import { parseSettings } from '../src/core/settings.ts';
import { RESOURCES } from '../src/kube/resources.ts';
import { documentsIn, manifestFiles as files, MANIFESTS as ROOT } from './manifest-files.ts';

const NAMESPACE = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } };

interface Rule {
  apiGroups: string[];
  resources: string[];
  resourceNames?: string[];
  verbs: string[];
}
interface WebhookRule {
  apiGroups: string[];
  resources: string[];
  operations: string[];
}
interface Webhook {
  name: string;
  clientConfig: { service: object };
  rules: WebhookRule[];
  namespaceSelector: object;
  matchConditions: { expression: string }[];
}

interface Schema {
  type?: string;
  description?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: Schema;
  enum?: string[];
  minimum?: number;
  maximum?: number;
}

interface CrdVersion {
  schema: { openAPIV3Schema: Schema };
  additionalPrinterColumns: { name: string; jsonPath: string; priority?: number }[];
  subresources: object;
}

/** What the tests read of any manifest; each kind has some of it. */
interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
  rules: Rule[];
  webhooks: Webhook[];
  spec: {
    names: { kind: string };
    versions: CrdVersion[];
    failurePolicy: string;
    reinvocationPolicy: string;
    matchConstraints: { namespaceSelector: object; resourceRules: Rule[] };
    matchConditions: { name: string; expression: string }[];
    variables: { name: string; expression: string }[];
    policyName: string;
    validationActions: string[];
  };
}

const isKustomization = (file: string): boolean => basename(file) === 'kustomization.yaml';
const manifests = files
  .filter((file) => !isKustomization(file))
  .flatMap((file) => documentsIn<Manifest>(file));
const ofKind = (kind: string): Manifest[] => manifests.filter((manifest) => manifest.kind === kind);
const theOnly = (kind: string): Manifest => {
  const [manifest, ...others] = ofKind(kind);
  if (manifest === undefined || others.length > 0) throw new Error(`expected one ${kind}`);
  return manifest;
};
const kanariRules = ['Role', 'ClusterRole'].flatMap((kind) =>
  ofKind(kind)
    .filter(({ metadata }) => metadata.name === 'kanari')
    .flatMap(({ rules }) => rules),
);

describe('the manifests', () => {
  it('are all installed by a kustomization', () => {
    const listed = files.filter(isKustomization).flatMap((file) => {
      const { resources } = parseYaml(readFileSync(join(ROOT, file), 'utf8')) as { resources: string[] };
      return resources.map((resource) => join(dirname(file), resource));
    });
    expect(listed.filter((resource) => resource.endsWith('.yaml')).sort()).toEqual(
      files.filter((file) => !isKustomization(file)).sort(),
    );
    for (const resource of listed) expect(existsSync(join(ROOT, resource))).toBe(true);
  });

  test.each(manifests.map((manifest) => [`${manifest.kind} ${manifest.metadata.name}`, manifest] as const))(
    '%s is complete',
    (_, manifest) => {
      expect(manifest.apiVersion).toEqual(expect.any(String));
      expect(manifest.metadata.name).toEqual(expect.any(String));
    },
  );
});

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

describe('the webhook configuration', () => {
  const configuration = theOnly('MutatingWebhookConfiguration');
  const webhook = (name: string) => configuration.webhooks.find((one) => one.name === name);

  it('has the name that the rotator writes to', () => {
    expect(configuration.metadata.name).toBe(CONFIGURATION_NAME);
  });

  it('calls the Service that the certificate names', () => {
    const service = theOnly('Service');
    expect(service.metadata.name).toBe(SERVICE_NAME);
    for (const { clientConfig } of configuration.webhooks) {
      expect(clientConfig.service).toMatchObject({
        name: SERVICE_NAME,
        namespace: service.metadata.namespace,
      });
    }
  });

  it('insists on Deployments and lets routes pass', () => {
    expect(webhook('deployments.kanari.dev')).toMatchObject({ failurePolicy: 'Fail', timeoutSeconds: 3 });
    expect(webhook('routes.kanari.dev')).toMatchObject({ failurePolicy: 'Ignore', timeoutSeconds: 3 });
  });

  it('has no side effects and is asked again after others', () => {
    for (const one of configuration.webhooks) {
      expect(one).toMatchObject({
        sideEffects: 'None',
        reinvocationPolicy: 'IfNeeded',
        matchPolicy: 'Equivalent',
      });
    }
  });

  it('never sees system namespaces or subresources', () => {
    for (const one of configuration.webhooks) {
      expect(JSON.stringify(one.namespaceSelector)).toContain(
        '"kube-system","kube-public","kube-node-lease","kanari-system"',
      );
      for (const { resources } of one.rules) expect(resources.join()).not.toMatch(/[/*]/);
    }
  });

  it('asks about every kind that carries a split, when it is made and when it changes', () => {
    const asked = webhook('routes.kanari.dev')?.rules.flatMap(({ apiGroups, resources, operations }) =>
      resources.map((resource) => [resource, apiGroups, operations]),
    );
    const both = ['CREATE', 'UPDATE'];
    expect(asked).toEqual([
      ['virtualservices', ['networking.istio.io'], both],
      ['destinationrules', ['networking.istio.io'], both],
      ['httproutes', ['gateway.networking.k8s.io'], both],
      ['grpcroutes', ['gateway.networking.k8s.io'], both],
      ['services', [''], both],
    ]);
  });

  it('asks about routes by the annotation that carries the split', () => {
    expect(webhook('routes.kanari.dev')?.matchConditions[0]?.expression).toContain(`'${SPLIT_ANNOTATION}'`);
  });
});

describe('the policies', () => {
  const named = (kind: string, name: string): Manifest =>
    ofKind(kind).find(({ metadata }) => metadata.name === name) ?? expect.fail(`no ${kind} ${name}`);
  const failsafe = named('MutatingAdmissionPolicy', 'kanari-failsafe');
  const creation = named('MutatingAdmissionPolicy', 'kanari-failsafe-creation');
  const notice = named('ValidatingAdmissionPolicy', 'kanari-failsafe-notice');
  const guards = ['orphan', 'namespace'].map((of) =>
    named('ValidatingAdmissionPolicy', `kanari-${of}-guard`),
  );
  const webhook = theOnly('MutatingWebhookConfiguration').webhooks[0];

  it('are each bound, the notice only to warn', () => {
    expect(ofKind('MutatingAdmissionPolicyBinding').map(({ spec }) => spec)).toEqual([
      { policyName: 'kanari-failsafe-creation' },
      { policyName: 'kanari-failsafe' },
    ]);
    expect(ofKind('ValidatingAdmissionPolicyBinding').map(({ spec }) => spec)).toEqual([
      { policyName: 'kanari-namespace-guard', validationActions: ['Deny'] },
      { policyName: 'kanari-orphan-guard', validationActions: ['Deny'] },
      { policyName: 'kanari-failsafe-notice', validationActions: ['Warn'] },
    ]);
  });

  it('fail a request only where a release would go out without a word', () => {
    const policies = [failsafe, creation, notice, ...guards].map(({ spec }) => spec.failurePolicy);
    expect(policies).toEqual(['Fail', 'Ignore', 'Ignore', 'Ignore', 'Ignore']);
    for (const { spec } of [failsafe, creation]) expect(spec.reinvocationPolicy).toBe('Never');
  });

  it.each([
    [failsafe, 'UPDATE'],
    [notice, 'UPDATE'],
    [creation, 'CREATE'],
  ])('see the namespaces that the webhook sees, and no subresource', ({ spec }, operation) => {
    expect(spec.matchConstraints.namespaceSelector).toEqual(webhook?.namespaceSelector);
    const rules = [
      {
        apiGroups: ['apps'],
        apiVersions: ['v1'],
        resources: ['deployments'],
        operations: [operation],
        scope: 'Namespaced',
      },
    ];
    expect(spec.matchConstraints.resourceRules).toEqual(rules);
    // Kanari's own user, and canaries: the same words.
    expect(spec.matchConditions.slice(0, 2)).toEqual(webhook?.matchConditions.slice(0, 2));
  });

  const variable = (name: string): string =>
    failsafe.spec.variables.find((one) => one.name === name)?.expression ?? '';

  it.each(['istio', 'linkerd', 'none'] as const)(
    'count as injected what the webhook injects: %s',
    (sidecar) => {
      const { labels, annotations } = injectionFor({ sidecar }, NAMESPACE);
      for (const [key, value] of Object.entries(labels))
        expect(variable('injectedLabels')).toContain(`'${key}': '${value}'`);
      for (const [key, value] of Object.entries(annotations))
        expect(variable('injectedAnnotations')).toContain(`'${key}': '${value}'`);
    },
  );

  it('keep every mark', () => {
    for (const mark of MARKS) {
      expect(variable('kept')).toContain(`'${mark}'`);
      for (const { spec } of [failsafe, creation])
        expect(spec.matchConditions.at(-1)?.expression).toContain(`'${mark}'`);
    }
  });
});

type Complete<T> = T extends readonly (infer Item)[]
  ? Complete<Item>[]
  : T extends object
    ? { [Key in keyof T]-?: Complete<Exclude<T[Key], undefined>> }
    : T;

// A field added to the status does not compile until it is here, and is red here until the schema has it:
// the API server drops unknown fields without a word.
const AT = '2026-11-21T00:00:00Z';
const COUNTS = { requests: 1, errors: 1, timed: 1, slow: 1 };
const FAST_PATH = { n: 1, x: 1, logE: 0.5, latest: { verdicts: 1, logBefore: -0.5, n: 1, x: 1 } };
const RELATIVE_PATH = {
  pending: { canary: { n: 1, x: 1 }, primary: { n: 1, x: 1 } },
  logs: [0.5],
  logE: 0.5,
  latest: { verdicts: 1, logBefore: -0.5, logs: [0.5] },
};
const COMPLETE: Complete<CanaryStatus> = {
  observedGeneration: 1,
  phase: 'Progressing',
  canaryWeight: 10,
  step: 0,
  iterations: 0,
  failedChecks: 0,
  run: {
    id: 'i',
    revision: 'r',
    images: ['i'],
    startedAt: AT,
    milestones: {
      destinations: AT,
      split: AT,
      canaryKnown: AT,
      weightZero: AT,
      canaryGone: AT,
      restored: AT,
    },
    primaryRevision: 'r',
    endedAt: AT,
    waitingSince: AT,
    stepSince: AT,
    gates: [{ at: 'start', since: AT, approvedAt: AT, overdueAt: AT, openedAt: AT }],
    passedAt: AT,
    pausedAt: AT,
    heard: 'promote',
    calls: [{ id: 'i', state: 'under-way', since: AT, attempt: 1, againAt: AT, message: 'm' }],
    limits: [{ reason: 'r', message: 'm' }],
    given: 'weight',
    ailing: { since: AT, ready: 1 },
    routes: {
      share: {
        weight: 10,
        match: [
          { headers: { a: { exact: 'x' } }, cookies: { b: { prefix: 'x' } }, query: { c: { regex: 'x' } } },
        ],
        mirror: 1,
        affinity: { cookie: 'c', maxAgeSeconds: 1, token: 't' },
      },
      state: 'stands',
      since: AT,
      undone: 1,
    },
    primaryShortSince: AT,
    restarts: [{ pod: 'p', container: 'c', count: 1, judged: 0, outOfMemory: true, last: 'l' }],
    unstartedSince: AT,
    metricsOutage: { step: AT, since: AT, lostMs: 1, overAt: AT },
    evidence: {
      since: AT,
      sampledAt: AT,
      source: 's',
      pods: [{ pod: 'p', ...COUNTS }],
      total: COUNTS,
      judged: COUNTS,
      fastErrors: FAST_PATH,
      fastSlow: FAST_PATH,
      primary: {
        pods: [{ pod: 'p', ...COUNTS }],
        total: COUNTS,
        judged: COUNTS,
        errors: RELATIVE_PATH,
        slow: RELATIVE_PATH,
      },
    },
    ending: { outcome: 'Promoted', reason: 'r', message: 'm', weight: 10, decidedAt: AT },
  },
  primary: { revision: 'r', replicaSet: 's', replicas: 1, ready: 1 },
  canary: { revision: 'r', replicaSet: 's', replicas: 1, ready: 1 },
  checks: [
    {
      metric: 'latency',
      value: 'v',
      limit: 'l',
      requests: 1,
      verdict: 'pass',
      confidence: 'c',
      reason: 'r',
      message: 'm',
    },
  ],
  outlook: { checkAt: AT, waitsFor: 'w', promotionAt: AT },
  lastTransitionTime: AT,
  reason: 'r',
  message: 'm',
  failedRevision: 'r',
  history: [{ revision: 'r', images: ['i'], started: AT, ended: AT, outcome: 'Promoted', reason: 'r' }],
  conditions: [
    {
      type: 'Promoted',
      status: 'True',
      reason: 'r',
      message: 'm',
      lastTransitionTime: AT,
      lastUpdateTime: AT,
      observedGeneration: 1,
    },
  ],
};

const JSON_TYPES: Readonly<Record<string, string>> = { integer: 'number' };

/** Paths at which a value does not fit the schema; properties unknown to it included. */
const misfits = (schema: Schema | undefined, value: unknown, path: string): string[] => {
  const expected = JSON_TYPES[schema?.type ?? ''] ?? schema?.type;
  const actual = Array.isArray(value) ? 'array' : typeof value;
  if (expected !== actual) return [`${path}: schema ${expected ?? 'nothing'}, status ${actual}`];
  if (Array.isArray(value))
    return value.flatMap((item, index) => misfits(schema?.items, item, `${path}[${index}]`));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    misfits(schema?.properties?.[key] ?? schema?.additionalProperties, item, `${path}.${key}`),
  );
};

const undescribed = (schema: Schema, path: string): string[] => [
  ...(schema.description === undefined ? [path] : []),
  ...Object.entries(schema.properties ?? schema.items?.properties ?? {}).flatMap(([key, property]) =>
    undescribed(property, `${path}.${key}`),
  ),
];

const definitionOf = (kind: string): CrdVersion => {
  const definition = ofKind('CustomResourceDefinition').find(({ spec }) => spec.names.kind === kind);
  return definition?.spec.versions[0] ?? expect.fail(`no definition of ${kind}`);
};

describe('the Canary kind', () => {
  const version = definitionOf('Canary');
  const schema = version.schema.openAPIV3Schema;

  it('keeps every field of the status', () => {
    expect(misfits(schema.properties!['status'], COMPLETE, 'status')).toEqual([]);
  });

  it('describes every field for kubectl explain', () => {
    expect(undescribed(schema.properties!['status']!, 'status')).toEqual([]);
    expect(schema.properties!['spec']!.description).toEqual(expect.any(String));
  });

  it('is printed as the users of Flagger know it', () => {
    const columns = version.additionalPrinterColumns as {
      name: string;
      jsonPath: string;
      priority?: number;
    }[];
    expect(
      columns.map(({ name, jsonPath, priority = 0 }) => [name.toUpperCase(), jsonPath, priority]),
    ).toEqual([
      ['STATUS', '.status.phase', 0],
      ['WEIGHT', '.status.canaryWeight', 0],
      ['LASTTRANSITIONTIME', '.status.lastTransitionTime', 0],
      ['MESSAGE', '.status.message', 0],
      ['REVISION', '.status.run.revision', 1],
      ['PROMOTION', '.status.outlook.promotionAt', 1],
    ]);
  });

  it('has its status apart, so that nobody edits it by accident', () => {
    expect(version.subresources).toEqual({ status: {} });
  });
});

describe('the CanaryPolicy kind', () => {
  const spec = definitionOf('CanaryPolicy').schema.openAPIV3Schema.properties!['spec']!;
  const fields = Object.keys(spec.properties!);

  it('describes every field for kubectl explain', () => {
    expect(undescribed(spec, 'spec')).toEqual([]);
  });

  it('has a field for every setting but those of one change or one Deployment', () => {
    const settings = SETTING_NAMES.filter((name) => name !== 'skip' && name !== 'policy').map(fieldOf);
    expect(fields).toEqual(expect.arrayContaining(settings));
    expect(fields).not.toContain('skip');
    expect(fields).not.toContain('policy');
  });

  it('gives the words and bounds that annotations have', () => {
    for (const name of SETTING_NAMES) {
      const { enum: words = [], minimum, maximum } = spec.properties![fieldOf(name)] ?? {};
      for (const value of words)
        expect([name, parsedOf({ [fieldOf(name)]: value })]).toEqual([name, undefined]);
      if (minimum === undefined || maximum === undefined) continue;
      const verdicts = [minimum - 1, minimum, maximum, maximum + 1].map((value) =>
        parsedOf({ [fieldOf(name)]: value }),
      );
      expect([name, verdicts.map((problem) => problem?.reason)]).toEqual([
        name,
        ['PolicyInvalid', undefined, undefined, 'PolicyInvalid'],
      ]);
    }
  });
});

const policy = (spec: CanaryPolicy['spec'] & object): CanaryPolicy => ({
  apiVersion: 'kanari.dev/v1alpha1',
  kind: 'CanaryPolicy',
  metadata: { name: 'careful' },
  spec,
});

/** What Kanari finds wrong with it. */
const parsedOf = (spec: CanaryPolicy['spec'] & object) =>
  parseSettings({
    deployment: { 'kanari.dev/policy': 'careful' },
    namespace: {},
    policies: [policy(spec)],
  }).settings.policyProblem;

test('every manifest says the same in YAML 1.1, which kubectl reads: there, a bare n, y, on or off is a boolean', () => {
  const read = (file: string, version: '1.1' | '1.2') =>
    parseAllDocuments(readFileSync(join(ROOT, file), 'utf8'), { version, merge: true }).map(
      (document) => document.toJS() as unknown,
    );
  for (const file of files) expect(read(file, '1.1'), file).toEqual(read(file, '1.2'));
});
