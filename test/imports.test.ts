import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, test } from 'vitest';

const SRC = fileURLToPath(new URL('../src', import.meta.url));

/** What each part may import besides itself: other parts, and packages (`*`: any). */
const ALLOWED: Readonly<Record<string, { parts: string[]; packages: string[] | '*' }>> = {
  core: { parts: [], packages: ['zod', 'fast-json-patch', 'node:crypto'] },
  kube: { parts: ['core', 'telemetry'], packages: '*' },
  traffic: { parts: ['core', 'kube', 'telemetry'], packages: '*' },
  // Metrics servers as the operator configures them.
  analysis: { parts: ['core', 'kube', 'telemetry', 'integrations'], packages: '*' },
  certs: { parts: ['core', 'kube', 'telemetry'], packages: '*' },
  telemetry: { parts: ['core'], packages: '*' },
  webhook: { parts: ['core', 'kube', 'traffic', 'analysis', 'certs', 'telemetry'], packages: '*' },
  outbound: { parts: ['core', 'kube', 'telemetry'], packages: '*' },
  scheduler: {
    parts: ['core', 'kube', 'traffic', 'analysis', 'outbound', 'certs', 'telemetry'],
    packages: '*',
  },
  integrations: { parts: ['core'], packages: '*' },
  'config.ts': { parts: ['core'], packages: ['zod', 'node:crypto', 'node:os', 'node:util'] },
  // Makes every part, once, and gives it what it needs; main.ts runs them.
  compose: {
    parts: [
      'core',
      'kube',
      'traffic',
      'analysis',
      'outbound',
      'certs',
      'telemetry',
      'webhook',
      'scheduler',
      'config.ts',
      'integrations',
    ],
    packages: [],
  },
  'manager.ts': { parts: ['telemetry'], packages: [] },
};

interface Import {
  from: string;
  to: string;
  isPackage: boolean;
}

const importsIn = (file: string, text: string): Import[] =>
  [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"]+)['"]/g)].map(([, to = '']) => ({
    from: file,
    to: to.startsWith('.') ? normalize(join(dirname(file), to)) : to,
    isPackage: !to.startsWith('.'),
  }));

const partOf = (file: string): string => file.split('/')[0] ?? '';

const isAllowed = ({ from, to, isPackage }: Import): boolean => {
  const part = partOf(from);
  if (part === 'main.ts') return true;
  const rule = ALLOWED[part];
  if (rule === undefined) return false;
  if (isPackage) return rule.packages === '*' || rule.packages.includes(to);
  return partOf(to) === part || rule.parts.includes(partOf(to));
};

const files = readdirSync(SRC, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => relative(SRC, join(entry.parentPath, entry.name)));

describe('no import points outward', () => {
  test.each(files)('from %s', (file) => {
    const imports = importsIn(file, readFileSync(join(SRC, file), 'utf8'));
    expect(imports.filter((found) => !isAllowed(found))).toEqual([]);
  });

  it('to main.ts, from anywhere', () => {
    const found = files.flatMap((file) => importsIn(file, readFileSync(join(SRC, file), 'utf8')));
    expect(found.filter(({ to }) => to === 'main.ts')).toEqual([]);
  });
});

describe('the rule itself', () => {
  test.each<[string, string, boolean]>([
    ['core/plan.ts', `import { z } from 'zod';`, true],
    ['core/plan.ts', `import type { Run } from './run.ts';`, true],
    ['core/plan.ts', `import type { Writer } from '../kube/api.ts';`, false],
    ['core/plan.ts', `import { readFileSync } from 'node:fs';`, false],
    ['core/plan.ts', `export { x } from '../kube/api.ts';`, false],
    ['core/plan.ts', `import '../kube/api.ts';`, false],
    ['core/plan.ts', `const x = await import('../kube/api.ts');`, false],
    ['kube/rest.ts', `import { plan } from '../scheduler/controller.ts';`, false],
    ['webhook/app.ts', `import { rest } from '../kube/rest.ts';`, true],
    ['webhook/app.ts', `import { loop } from '../scheduler/controller.ts';`, false],
    ['drawer/utils.ts', `import { z } from 'zod';`, false],
    ['compose/leader.ts', `import { loop } from '../scheduler/controller.ts';`, true],
    ['scheduler/wake.ts', `import { Shared } from '../compose/shared.ts';`, false],
    ['main.ts', `import { loop } from './scheduler/controller.ts';`, true],
  ])('for %s with %s is %s', (file, text, allowed) => {
    expect(importsIn(file, text).every(isAllowed)).toBe(allowed);
  });
});

it('docs/architecture.md says of each part what it may import', () => {
  const page = readFileSync(join(SRC, '..', 'docs', 'architecture.md'), 'utf8');
  const said = [...page.matchAll(/^\| `src\/([\w.]+)` *\|[^|]*\| (.*?) *\|$/gm)].map(
    ([, part = '', imports = '']) => [part, [...imports.matchAll(/`([\w.]+)`/g)].map(([, name]) => name)],
  );
  const rules = Object.entries(ALLOWED).map(([part, { parts }]) => [part, parts]);
  // These two say it in words.
  const inWords = ['compose', 'main.ts'];
  expect(Object.fromEntries(said.filter(([part]) => !inWords.includes(part as string)))).toEqual(
    Object.fromEntries(rules.filter(([part]) => part !== 'compose')),
  );
  expect(said.map(([part]) => part)).toEqual(expect.arrayContaining(inWords));
});

it('the environment is read in main.ts and config.ts only', () => {
  const readers = files.filter((file) => /process\s*\.\s*env\b/.test(readFileSync(join(SRC, file), 'utf8')));
  expect(readers.filter((file) => file !== 'main.ts' && file !== 'config.ts')).toEqual([]);
});
