import { z } from 'zod';
import type { CustomMetric } from './custom-metric.ts';
import { parsePointer } from './json-pointer.ts';
import { parsePromql } from './promql-template.ts';
import { duration } from './setting-readers.ts';
import { quote } from './text.ts';
import { parseUrl } from './url-template.ts';

// An entry of `metrics` in a CanaryPolicy.

const SECOND = 1_000;
const DAY = 86_400 * SECOND;
const lookBack = duration(SECOND, DAY);

const shape = z.object({
  /** One line. */
  name: z.string().regex(/^\P{C}{1,63}$/u, 'expected one line of at most 63 characters (example: "errors")'),
  server: z.string().optional(),
  query: z.string(),
  jsonPointer: z.string().optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  interval: z.string().optional(),
});

type Given = z.output<typeof shape>;
type Fault = (field: keyof Given, message: string) => never;

const pointerOf = (text: string | undefined, fault: Fault): string[] | undefined => {
  if (text === undefined) return undefined;
  const expected = 'expected the way to a value in JSON';
  return (
    parsePointer(text) ?? fault('jsonPointer', `${expected}, got ${quote(text)} (example: "/data/0/value")`)
  );
};

const intervalOf = (text: string | undefined, fault: Fault): number | undefined => {
  if (text === undefined) return undefined;
  const reading = lookBack(text);
  if (reading.ok) return reading.value;
  return fault('interval', `expected ${reading.expected}, got ${quote(text)} (example: "5m")`);
};

/** As `CustomMetric`; what can't be understood is named with its field. */
export const policyMetric = shape.transform((given, context): CustomMetric => {
  const { name, server, jsonPointer, min, max } = given;
  const fault: Fault = (field, message) => {
    context.addIssue({ code: 'custom', path: [field], message });
    return z.NEVER;
  };
  if (min === undefined && max === undefined) fault('max', 'expected min or max (example: max: 500)');
  if (min !== undefined && max !== undefined && min > max)
    fault('max', `expected not less than min, got ${max} (example: ${min})`);
  const query = jsonPointer === undefined ? parsePromql(given.query) : parseUrl(given.query);
  return {
    name,
    server,
    query: query.ok ? query.template : fault('query', query.message),
    jsonPointer: pointerOf(jsonPointer, fault),
    min,
    max,
    intervalMs: intervalOf(given.interval, fault),
  };
});
