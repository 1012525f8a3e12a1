// Every label and annotation name that Kanari reads or writes. The meaning of each is in docs/settings.md.

export const DOMAIN = 'kanari.dev/';

/** Label: on a Namespace `enabled` opts in; on a Deployment `disabled` opts out, `enabled` includes an operator's. */
export const ROLLOUTS_LABEL = 'kanari.dev/rollouts';

/** Label on pod templates and pods: which side of the split a pod is on. */
export const VERSION_LABEL = 'kanari.dev/version';
export const PRIMARY = 'primary';
export const CANARY = 'canary';

/** The plain label that Istio's telemetry shows; injected only where the user has none. */
export const PLAIN_VERSION_LABEL = 'version';

/** Annotation on the Deployment: the revision held; present exactly while Kanari holds it. */
export const RUN_MARK = 'kanari.dev/run';
/** Annotation on the Deployment: the revision that serves. */
export const PRIMARY_MARK = 'kanari.dev/primary';
/** Annotation on the Deployment: the canary's share in percent. */
export const WEIGHT_MARK = 'kanari.dev/weight';
/** Annotation on the Deployment: `webhook` or `failsafe`. */
export const HELD_BY_MARK = 'kanari.dev/held-by';

export const MARKS = [RUN_MARK, PRIMARY_MARK, WEIGHT_MARK, HELD_BY_MARK] as const;

/** Label that tells which tool keeps an object: `kanari` on those that are wholly Kanari's. */
export const MANAGED_BY_LABEL = 'app.kubernetes.io/managed-by';

/** Label that the Deployment controller puts on its ReplicaSets, their templates and pods. */
export const HASH_LABEL = 'pod-template-hash';

/** Annotation on the canary Deployment and its pods: the revision they run. */
export const REVISION_ANNOTATION = 'kanari.dev/revision';

/** Annotation on routes and destination rules: the split that admission writes into their spec. */
export const SPLIT_ANNOTATION = 'kanari.dev/split';
/** Annotation on routes and destination rules: what exact restoration can't tell from the split spec alone. */
export const SPLIT_ORIGIN_ANNOTATION = 'kanari.dev/split-origin';

/** Annotation on the Canary: a person's command to the run, `<verb>` or `<verb>=<argument>`. */
export const COMMAND_ANNOTATION = 'kanari.dev/command';

/** Field manager of every write. */
export const FIELD_MANAGER = 'kanari';
