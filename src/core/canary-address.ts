import { canaryServiceFrom, freeCanaryName, selectsPods, standsFor } from './gateway-api/service-pair.ts';
import type { OwnerReference, Service } from './objects.ts';
import { isOwn, type RouteChange } from './route-change.ts';
import { splitsOf } from './split-annotation.ts';

// A Service with the canary's pods alone, beside each of the user's, for whoever checks a canary that has no live
// traffic. No route leads there: where routes tell the sides apart by Services, these are the addresses already.

export interface AddressView {
  namespace: string;
  /** The Deployment; undefined once it is deleted: its Services go with it. */
  owner: OwnerReference | undefined;
  /** Those that want one beside them. */
  services: readonly Service[];
  /** All of the namespace. */
  existing: readonly Service[];
  /** Names that routes of the user's lead to, whether there is such a Service or not. */
  referred: readonly string[];
}

/** Unlike a Service that routes lead to, an address is part of no split. */
const addressesIn = ({ existing, owner }: AddressView): Service[] =>
  existing.filter(
    (service) =>
      isOwn(service) &&
      Object.keys(splitsOf(service)).length === 0 &&
      service.metadata.ownerReferences?.some(({ uid }) => uid === owner?.uid) === true,
  );

/** An address of the canary beside each Service. */
export const planAddresses = (view: AddressView): RouteChange[] => {
  const own = addressesIn(view);
  const others = view.existing.filter((each) => !own.includes(each)).map(({ metadata }) => metadata.name);
  return view.services.filter(selectsPods).flatMap((service): RouteChange[] => {
    const name = freeCanaryName(service.metadata.name, [...view.referred, ...others]);
    const wanted = canaryServiceFrom(service, { ...view, name });
    const stored = own.find(({ metadata }) => metadata.name === name);
    return stored !== undefined && standsFor(stored, wanted, '') ? [] : [{ kind: 'apply', object: wanted }];
  });
};

export const planAddressesDeleted = (view: AddressView): RouteChange[] =>
  addressesIn(view).map((object) => ({ kind: 'delete', object }));
