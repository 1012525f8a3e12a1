import { type AdmissionAnswer, decideAdmission } from '../core/admission.ts';
import type { CanaryPolicy } from '../core/canary-policy.ts';
import type { UngatedReason } from '../core/conditions.ts';
import { selects } from '../core/label-selector.ts';
import { ROLLOUTS_LABEL } from '../core/marks.ts';
import { controllerOf, type Deployment, labelsOf, type Namespace, type ReplicaSet } from '../core/objects.ts';
import type { Store } from '../kube/api.ts';
import type { AdmissionOutcome, AdmissionRequest, Decide } from './review.ts';

export interface DeploymentDecisionPorts {
  namespaces: Pick<Store<Namespace>, 'get'>;
  canaryPolicies: Pick<Store<CanaryPolicy>, 'inNamespace'>;
  replicaSets: Pick<Store<ReplicaSet>, 'inNamespace'>;
  /** Kanari's own user, once the API server has told it. */
  ownUsername: () => string | undefined;
  metricsConfigured: boolean;
  callersOutsideMesh: (deployment: Deployment, namespace: Namespace) => boolean;
  /** A template goes out without a canary: told for each request that is really stored. */
  onUngated: (deployment: Deployment, reason: UngatedReason) => void;
}

/**
 * The API server asks only about namespaces that its selector matched: where the cache is behind (a label set a
 * moment ago), its word counts.
 */
const namespaceOf = ({ namespaces }: DeploymentDecisionPorts, name: string): Namespace => {
  const known = namespaces.get(`/${name}`) ?? { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
  const labels = { ...labelsOf(known), [ROLLOUTS_LABEL]: 'enabled' };
  return { ...known, metadata: { ...known.metadata, labels } };
};

const orphansFor = (
  { replicaSets }: DeploymentDecisionPorts,
  deployment: Deployment,
  namespace: string,
): ReplicaSet[] =>
  // By their own labels, as the Deployment controller does it when it takes them over.
  replicaSets
    .inNamespace(namespace)
    .filter((set) => controllerOf(set) === undefined && selects(deployment.spec.selector, labelsOf(set)));

/** By the cache, which knows of a rolling update before its counts are in the Deployment's status. */
const ownOf = (
  { replicaSets }: DeploymentDecisionPorts,
  deployment: Deployment,
  namespace: string,
): ReplicaSet[] =>
  replicaSets.inNamespace(namespace).filter((set) => controllerOf(set)?.uid === deployment.metadata.uid);

const outcomeOf = (answer: AdmissionAnswer): AdmissionOutcome =>
  answer.verdict === 'allow'
    ? { allowed: true, patch: answer.patch, warnings: answer.warnings, reason: answer.reason }
    : { allowed: false, message: answer.message, reason: answer.reason, warnings: answer.warnings };

/** Admission of Deployments: the pure decision, with what the caches know. */
export const createDeploymentDecision =
  (ports: DeploymentDecisionPorts): Decide =>
  (request: AdmissionRequest): AdmissionOutcome => {
    const { operation, kind } = request;
    const isDeployment = kind.group === 'apps' && kind.kind === 'Deployment';
    if (!isDeployment || request.object === undefined || (operation !== 'CREATE' && operation !== 'UPDATE')) {
      return { allowed: true, patch: [], warnings: [], reason: 'NotADeploymentChange' };
    }
    const object = request.object as Deployment;
    const namespace = namespaceOf(ports, request.namespace);
    const answer = decideAdmission({
      operation,
      object,
      oldObject: request.oldObject as Deployment | undefined,
      namespace,
      policies: ports.canaryPolicies.inNamespace(request.namespace),
      username: request.username,
      ownUsername: ports.ownUsername(),
      replicaSets: (operation === 'CREATE' ? orphansFor : ownOf)(ports, object, request.namespace),
      metricsConfigured: ports.metricsConfigured,
      callersOutsideMesh: ports.callersOutsideMesh(object, namespace),
    });
    if (answer.verdict === 'allow' && answer.ungated !== undefined && !request.dryRun) {
      ports.onUngated((request.oldObject as Deployment | undefined) ?? object, answer.ungated);
    }
    return outcomeOf(answer);
  };
