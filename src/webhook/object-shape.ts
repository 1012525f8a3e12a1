import { z } from 'zod';

// Fields are checked where admission reads them and nowhere else: whatever else an object carries is not ours to judge.
// The API server has validated all of it, so what does not fit is no request of an API server.

const texts = z.record(z.string(), z.string()).nullish();
const count = z.int().nullish();
const text = z.string().nullish();

const metadata = z.looseObject({
  name: text,
  namespace: text,
  generateName: text,
  uid: text,
  generation: count,
  labels: texts,
  annotations: texts,
  ownerReferences: z.array(z.looseObject({ controller: z.boolean().nullish() })).nullish(),
});

/** What every object has. */
const anyObject = z.looseObject({ apiVersion: z.string(), kind: z.string(), metadata });

const condition = z.looseObject({ type: z.string(), status: z.string() });
const requirement = z.looseObject({
  key: z.string(),
  operator: z.string(),
  values: z.array(z.string()).nullish(),
});
const countOrShare = z.union([z.int(), z.string()]).nullish();

const podTemplate = z.looseObject({
  metadata: z.looseObject({ labels: texts, annotations: texts }).nullish(),
  spec: z.looseObject({ containers: z.array(z.looseObject({ image: text })).nullish() }),
});

const deployment = z.looseObject({
  metadata,
  spec: z.looseObject({
    replicas: count,
    paused: z.boolean().nullish(),
    selector: z.looseObject({ matchLabels: texts, matchExpressions: z.array(requirement).nullish() }),
    template: podTemplate,
    strategy: z
      .looseObject({
        type: text,
        rollingUpdate: z.looseObject({ maxSurge: countOrShare, maxUnavailable: countOrShare }).nullish(),
      })
      .nullish(),
    revisionHistoryLimit: count,
    progressDeadlineSeconds: count,
    minReadySeconds: count,
  }),
  status: z
    .looseObject({
      observedGeneration: count,
      replicas: count,
      updatedReplicas: count,
      readyReplicas: count,
      availableReplicas: count,
      unavailableReplicas: count,
      conditions: z.array(condition).nullish(),
    })
    .nullish(),
});

/** The first field that is not what Kubernetes says it is, with what was expected; undefined when all are. */
export const shapeProblem = (
  object: unknown,
  { group, kind }: { group: string; kind: string },
): string | undefined => {
  const shape = group === 'apps' && kind === 'Deployment' ? deployment : anyObject;
  const parsed = shape.safeParse(object);
  if (parsed.success) return undefined;
  const [issue] = parsed.error.issues;
  return `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`;
};
