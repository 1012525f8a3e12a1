import { z } from 'zod';
import { PRIMARY, VERSION_LABEL } from '../marks.ts';
import type { KubeObject, Service, StringMap } from '../objects.ts';
import { formatSplits, originOf, type Splits, withSplitAnnotations } from '../split-annotation.ts';

// A user's Service, narrowed to the primary's pods: callers that bypass the split route never meet the canary.

const labels = z.record(z.string(), z.string());
const shape = z.looseObject({
  metadata: z.looseObject({ annotations: labels.optional() }),
  spec: z.looseObject({ selector: labels.optional() }).optional(),
});

/** Admission comes before the API server's own validation: what has another shape is for it to refuse. */
export const isService = (object: KubeObject): object is Service =>
  object.apiVersion === 'v1' && object.kind === 'Service' && shape.safeParse(object).success;

/** Tells the narrowed Service from one whose user selects by the same label. */
const NARROWED = { narrowed: true } as const;
const narrowed = z.object({ narrowed: z.literal(true) });

const withSelector = (service: Service, selector: StringMap): Service => ({
  ...service,
  spec: { ...service.spec, selector },
});

/** Gives the Service back exactly as the user has it, its annotations included. An unsplit one stays equal. */
export const restoreService = (service: Service): Service => {
  const unmarked = withSplitAnnotations(service, { split: undefined, origin: undefined });
  const selector = service.spec?.selector;
  const isOurs = narrowed.safeParse(originOf(service)).success && selector?.[VERSION_LABEL] === PRIMARY;
  if (!isOurs) return unmarked;
  const { [VERSION_LABEL]: _, ...users } = selector;
  return withSelector(unmarked, users);
};

/**
 * Narrows a Service that `splits` names; weights play no part here. One whose user selects a version already stays as
 * it is, and so does one without a selector: it would begin to select.
 */
export const splitService = (service: Service, splits: Splits): Service => {
  const user = restoreService(service);
  if (Object.keys(splits).length === 0) return user;
  const selector = user.spec?.selector ?? {};
  const isNamed = Object.values(splits).some(({ services }) => services.includes(user.metadata.name));
  const narrows = isNamed && Object.keys(selector).length > 0 && !(VERSION_LABEL in selector);
  return withSplitAnnotations(
    narrows ? withSelector(user, { ...selector, [VERSION_LABEL]: PRIMARY }) : user,
    { split: formatSplits(splits), origin: narrows ? JSON.stringify(NARROWED) : undefined },
  );
};
