import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import type { CanaryPolicy } from '../src/core/canary-policy.ts';

// The YAML examples of docs/, read from the pages: what readers copy.

const DOCS = fileURLToPath(new URL('../docs', import.meta.url));
/** In this page a lone `spec` is a CanaryPolicy's. */
const POLICY_PAGE = 'policy.md';

/** One document of a block marked `yaml`. */
export interface YamlExample {
  /** Page and line. */
  place: string;
  content: unknown;
}

/** A block as it stands, perhaps within a list. */
const BLOCK = /^(?<indent> *)```yaml\n(?<text>[^]*?)^\k<indent>```$/gm;

/** The examples of one page, in their order. Throws what the parser complains of. */
export const yamlExamples = (page: string): YamlExample[] => {
  const content = readFileSync(join(DOCS, page), 'utf8');
  return [...content.matchAll(BLOCK)].flatMap(({ index, groups: { indent = '', text = '' } = {} }) => {
    const place = `docs/${page}:${content.slice(0, index).split('\n').length}`;
    const block = text.replaceAll(new RegExp(`^${indent}`, 'gm'), '');
    // As kubectl reads it: there a bare `off` is a boolean.
    return parseAllDocuments(block, { version: '1.1' }).map((document) => {
      const [error] = document.errors;
      if (error !== undefined) throw new Error(`${place}: ${error.message}`, { cause: error });
      return { place, content: document.toJS() as unknown };
    });
  });
};

/** An example that readers apply as a CanaryPolicy. */
export interface PolicyExample {
  place: string;
  policy: CanaryPolicy;
}

const policyOf = (page: string, { place, content }: YamlExample): PolicyExample[] => {
  const { spec, ...rest } = content as Partial<CanaryPolicy>;
  if (rest.kind === 'CanaryPolicy') return [{ place, policy: content as CanaryPolicy }];
  if (page !== POLICY_PAGE || spec === undefined || Object.keys(rest).length > 0) return [];
  const head = { apiVersion: 'kanari.dev/v1alpha1', kind: 'CanaryPolicy', metadata: { name: 'example' } };
  return [{ place, policy: { ...head, spec } }];
};

/** All of them, in every page. */
export const documentedPolicies: readonly PolicyExample[] = readdirSync(DOCS)
  .filter((name) => name.endsWith('.md'))
  .flatMap((page) => yamlExamples(page).flatMap((example) => policyOf(page, example)));

/** What of the page about policies is something else. */
export const otherExamples: readonly YamlExample[] = yamlExamples(POLICY_PAGE).filter(
  (example) => policyOf(POLICY_PAGE, example).length === 0,
);
