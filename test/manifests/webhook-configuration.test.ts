import { describe, expect, it } from 'vitest';
import { CONFIGURATION_NAME, SERVICE_NAME } from '../../src/certs/webhook-registration.ts';
import { SPLIT_ANNOTATION } from '../../src/core/marks.ts';
import { theOnly } from './manifests.ts';

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
