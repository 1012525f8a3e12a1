import type { JsonObject } from '../src/core/objects.ts';
import type { HttpMatch, StringMatch } from './http-route.ts';
import type { ConnectionMatch, MeshClient } from './mesh-objects.ts';

// Which requests a route is for: what is known beforehand decides whether the proxy gets the route at all.

/** Whether a match of an http, tcp or tls route concerns what this client asks for on this port. */
export const concerns = (
  { gateways, port, sourceLabels = {}, sourceNamespace }: ConnectionMatch | HttpMatch,
  client: MeshClient,
  asked: number,
): boolean => {
  if (port !== undefined && port !== asked) return false;
  // As in istiod, a match that names gateways is not asked about its sources.
  if (gateways !== undefined && gateways.length > 0) return gateways.includes('mesh');
  if (sourceNamespace !== undefined && sourceNamespace !== client.namespace) return false;
  return Object.entries(sourceLabels).every(([name, value]) => client.labels?.[name] === value);
};

export const envoyMatch = (match: HttpMatch): JsonObject => {
  const headers = [
    ...(match.method === undefined ? [] : [valueMatch(':method', match.method)]),
    ...(match.authority === undefined ? [] : [valueMatch(':authority', match.authority)]),
    ...(match.scheme === undefined ? [] : [valueMatch(':scheme', match.scheme)]),
    ...Object.entries(match.headers ?? {}).map(([name, value]) => valueMatch(name, value)),
    ...Object.entries(match.withoutHeaders ?? {}).map(([name, value]) => absence(name, value)),
  ];
  const query = Object.entries(match.queryParams ?? {}).map(([name, value]) => valueMatch(name, value));
  return {
    ...pathMatch(match.uri),
    ...(match.ignoreUriCase === true ? { case_sensitive: false } : {}),
    ...(headers.length === 0 ? {} : { headers }),
    ...(query.length === 0 ? {} : { query_parameters: query }),
  };
};

/** Nothing behind such a match is ever asked. */
export const fitsEverything = (match: JsonObject): boolean =>
  match['prefix'] === '/' && match['headers'] === undefined && match['query_parameters'] === undefined;

const pathMatch = (uri: StringMatch | undefined): JsonObject => {
  if (uri?.exact !== undefined) return { path: uri.exact };
  if (uri?.regex !== undefined) return { safe_regex: { regex: uri.regex } };
  return { prefix: uri?.prefix ?? '/' };
};

// An empty match asks only that the header or parameter is there.
const valueMatch = (name: string, value: StringMatch): JsonObject => {
  const match = stringMatch(value);
  return match === undefined ? { name, present_match: true } : { name, string_match: match };
};

const absence = (name: string, value: StringMatch): JsonObject => ({
  ...valueMatch(name, value),
  invert_match: true,
  // Else a request without the header would match neither the value nor its opposite.
  ...(stringMatch(value) === undefined ? {} : { treat_missing_header_as_empty: true }),
});

const stringMatch = ({ exact, prefix, regex }: StringMatch): JsonObject | undefined => {
  if (exact !== undefined) return { exact };
  if (prefix !== undefined && prefix !== '') return { prefix };
  // istiod takes `*`, which is no regular expression, for any value.
  return regex === undefined || regex === '*' ? undefined : { safe_regex: { regex } };
};
