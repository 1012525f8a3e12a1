/** Reviews as the API server sends them, for tests. */
export const deployment = (name = 'web') => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'shop' },
  spec: { selector: { matchLabels: { app: 'web' } }, template: { spec: { containers: [] } } },
});

export const reviewOf = (request: Record<string, unknown> = {}) => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid: '0c1d',
    operation: 'UPDATE',
    kind: { group: 'apps', version: 'v1', kind: 'Deployment' },
    resource: { group: 'apps', version: 'v1', resource: 'deployments' },
    requestKind: { group: 'apps', version: 'v1', kind: 'Deployment' },
    namespace: 'shop',
    name: 'web',
    object: deployment(),
    oldObject: deployment(),
    dryRun: false,
    options: null,
    userInfo: { username: 'jane', groups: ['dev'] },
    ...request,
  },
});
