import type { Condition, Deployment, Timestamp } from './objects.ts';

// The reason catalogue and the conditions that carry it. One word per reason, the same in status, Event, log and
// metric label; the sentence is for `kubectl kanari explain` and the documentation.

/** Why a changed template went out without a canary. */
export const UNGATED_REASONS = {
  Skipped: 'kanari.dev/skip was set for this change',
  OptedOut: 'the Deployment is labelled kanari.dev/rollouts=disabled',
  OwnedByController:
    'an operator owns the Deployment, and it is not labelled kanari.dev/rollouts=enabled itself',
  ScaledToZero: 'it is, or was, scaled to zero: there is no traffic to compare',
  RecreateStrategy: 'its strategy is Recreate: two versions must not run side by side',
  NoHistory: 'revisionHistoryLimit is 0: the serving version could not be kept',
  MixedVersions: 'pods of several versions run: there is no one version to compare with',
  PrimaryDown: 'nothing of what serves is available, or its rollout is stuck: a fix is never delayed',
  PrimaryUnhealthy: 'the serving version was ailing when the change came: a fix is never delayed',
  RestartOnly: 'only the restart time changed',
  NotAdmitted: "it did not pass Kanari's admission: the webhook was away, or not registered",
  Busy: 'a rolling update was under way and kanari.dev/on-busy is allow',
} as const;

export type UngatedReason = keyof typeof UNGATED_REASONS;

/** What admission answered, apart from `UNGATED_REASONS`. */
export const ADMISSION_REASONS = {
  Own: 'written by Kanari itself',
  CanaryItself: "a canary Deployment of Kanari's own",
  NamespaceNotEnabled: 'the Namespace is not labelled kanari.dev/rollouts=enabled',
  Created: 'the first creation: there is nothing to compare with',
  Unchanged: 'the pod template is what runs already',
  NewRevision: 'a new pod template: held for a canary',
  OrphansFound:
    'created over the running pods of a Deployment deleted with orphan propagation: held for a canary',
  Superseded: 'another template while one was held: the canary starts again with it',
  RevertedToPrimary: 'the held template is replaced by the one that serves: nothing restarts',
  Held: 'the held template is unchanged: it stays held',
  Resumed: 'a person ended their pause with a template that no pod runs: held for a canary',
  UserPaused: 'paused by a person: changes gather until it is resumed',
  InvalidSetting: 'a kanari.dev annotation that the request sets can not be understood',
} as const;

/** Where a run is, and how it ended. */
export const RUN_REASONS = {
  Promoted: 'every check passed: the new version serves',
  RolledBack: 'the new version was withdrawn on evidence',
  Aborted: 'a person ended the run',
  Reverted: 'the serving version was applied again',
  CanaryCrashes: 'a container of the new version ends each time it is started',
  ImagePullFailed: 'an image of the new version can not be had',
  CanaryUnstartable: 'a container of the new version can not be started at all',
  PrimaryNotReady: 'the serving version lacks ready pods: the run does not advance',
  PrimaryLost: "the serving version's ReplicaSet was gone: its template is restored and released",
  HoldBroken: 'the held template runs although it was not released',
  CanaryYields: 'a quota had no room for the rolling update: the canary gave up its own',
  RollbackAsked: 'a rollback webhook answered: somebody wants the run to end',
  WaitingForApproval: 'a person must approve before the run goes on',
  WaitingForWebhook: 'a webhook has yet to answer, or to agree',
  GateTimedOut: 'nobody let the run pass a gate in time and kanari.dev/on-gate-timeout is rollback',
  PausedByCommand: 'a person holds the run at its weight',
  Frozen: 'too many checks failed and kanari.dev/on-failure is freeze: a person ends the run',
  RunLost: 'the Canary was deleted mid-run: what was left of the run was withdrawn',
  RoutesRewritten:
    'others have rewritten the routes of a run: its split is written anew, three times in a row at most',
  RoutesContested:
    'others keep rewriting the routes of a run: its canary is withdrawn until the split is let stand',
  ServiceNotFound: 'kanari.dev/service names a Service that does not exist',
  PolicyNotFound: 'kanari.dev/policy names a CanaryPolicy that the namespace does not have',
  PolicyInvalid: 'the CanaryPolicy that kanari.dev/policy names can not be understood',
  ServiceWithoutSelector:
    'kanari.dev/service names a Service that selects no pods: there is nothing to tell apart',
  RouteNotFound: 'kanari.dev/traffic is gateway-api and no route refers to the Service',
  RouteNotAccepted: 'a Gateway did not take over the split of a route within the progress deadline',
  TrafficUnsupported: 'what routes the traffic can not match, mirror or pin requests, or keep them away',
  ForeignRoute: 'a rule of another namespace, or one for some clients only, would bypass or break the split',
  SharedService: 'a Service also selects the pods of another workload',
  RuleWithoutRoom: 'a rule of a route has no room for the canary beside its other backendRefs',
  WeightsRounded: "a route's weights are too large to be multiplied",
  CanaryNamed: "a route of the user's refers to the canary's Service",
  VersionSelected: 'a Service selects kanari.dev/version itself',
  NameTaken: "what would be the name of the canary's Service means something else already",
  UnsplitRoute: "a VirtualService routes to a Service that the Gateway API's routes are split for",
  HeadlessService: 'a Service has no cluster address: its callers choose pods themselves',
  UnroutedService: 'no route that proxies obey leads to the Services',
  UnroutedPort: 'a port carries TLS, which only a route of the user could divide',
  SubsetWithoutCanary: "a route names a subset of the user's that the canary's pods do not belong to",
  NarrowExport: 'a DestinationRule is exported to some namespaces only: callers of others know no subsets',
  CallersOutsideMesh: 'the Namespace has no sidecars: callers without one reach every pod',
} as const;

export const REASONS = { ...UNGATED_REASONS, ...ADMISSION_REASONS, ...RUN_REASONS } as const;
export type AdmissionReason = keyof typeof ADMISSION_REASONS | UngatedReason;
export type Reason = keyof typeof REASONS;

/** How every message of a condition that Kanari puts on a Deployment begins: that is how its own is told apart. */
export const OWN_MESSAGE_PREFIX = 'kanari: ';

/** The one reason that survives on a paused Deployment, and that makes `kubectl rollout status` exit 1. */
export const DEADLINE_REASON = 'ProgressDeadlineExceeded';

/**
 * `conditions` with `next` in place of the one of its type, or appended. `lastTransitionTime` becomes `now` only
 * when the status changes.
 */
export const mergeCondition = (
  conditions: readonly Condition[],
  next: Condition,
  now: Timestamp,
): Condition[] => {
  const previous = conditions.find(({ type }) => type === next.type);
  const since = previous?.status === next.status ? (previous.lastTransitionTime ?? now) : now;
  const merged = { ...next, lastTransitionTime: since };
  return previous === undefined
    ? [...conditions, merged]
    : conditions.map((condition) => (condition === previous ? merged : condition));
};

/** The Deployment's condition that says its rollout missed its deadline, whoever wrote it. */
export const failedCondition = (deployment: Deployment): Condition | undefined =>
  deployment.status?.conditions?.find(
    ({ type, status, reason }) => type === 'Progressing' && status === 'False' && reason === DEADLINE_REASON,
  );

/** Whether Kanari wrote the condition (at a rollback), rather than the Deployment controller. */
export const isOwnCondition = (condition: Condition): boolean =>
  condition.message?.startsWith(OWN_MESSAGE_PREFIX) ?? false;
