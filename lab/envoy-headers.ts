import type { JsonObject, StringMap } from '../src/core/objects.ts';
import type { HeaderOperations } from './http-route.ts';

// Header operations of a route or of one of its destinations.

/** The fields of an Envoy route or of a weighted cluster; of several operations, later ones act later. */
export const headerFields = (...all: (HeaderOperations | undefined)[]): JsonObject => {
  const operations = all.flatMap((one) => (one === undefined ? [] : [one]));
  const fields = {
    request_headers_to_add: operations.flatMap(({ request }) => additions(request?.set, request?.add)),
    request_headers_to_remove: operations.flatMap(({ request }) => (request?.remove ?? []).filter(isFree)),
    response_headers_to_add: operations.flatMap(({ response }) => additions(response?.set, response?.add)),
    response_headers_to_remove: operations.flatMap(({ response }) => (response?.remove ?? []).filter(isFree)),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, list]) => list.length > 0));
};

/** The host that the operations ask for: Envoy has a field of its own for it. */
export const authorityIn = (operations: HeaderOperations | undefined): string | undefined => {
  const asked = { ...operations?.request?.add, ...operations?.request?.set };
  return Object.entries(asked).find(([name]) => isAuthority(name))?.[1];
};

const additions = (set: StringMap = {}, add: StringMap = {}): JsonObject[] => [
  ...headerValues(set, 'OVERWRITE_IF_EXISTS_OR_ADD'),
  ...headerValues(add, 'APPEND_IF_EXISTS_OR_ADD'),
];

const headerValues = (headers: StringMap, append_action: string): JsonObject[] =>
  Object.entries(headers)
    .filter(([key]) => isFree(key))
    .map(([key, value]) => ({ header: { key, value }, append_action }));

const isAuthority = (name: string): boolean => [':authority', 'host'].includes(name.toLowerCase());
const isFree = (name: string): boolean => !name.startsWith(':') && !isAuthority(name);
