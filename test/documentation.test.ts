import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../src/config.ts';
import * as marks from '../src/core/marks.ts';
import { SETTING_NAMES } from '../src/core/setting-level.ts';
import { createMetrics } from '../src/telemetry/metrics.ts';

// What the pages name is there, under that name.

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Those with files that pages name. */
const FOLDERS = ['src', 'test', 'lab', 'manifests', 'scripts', 'bench', 'examples', 'docs'];

const textOf = (page: string): string => readFileSync(join(ROOT, page), 'utf8');

const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'lab/README.md',
  ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`),
].filter((name) => name.endsWith('.md'));

const PATHS = FOLDERS.flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true }).map((entry) =>
    relative(ROOT, join(entry.parentPath, entry.name)),
  ),
);

/** As GitHub makes it of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');

const anchorsIn = (page: string): string[] =>
  [...textOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading));

const matchesIn = (page: string, pattern: RegExp): string[] =>
  [...textOf(page).matchAll(pattern)].map(([, found = '']) => found);

/** Cells of the rows of all tables. */
const rowsIn = (page: string): string[][] =>
  matchesIn(page, /^\|(.+)\|$/gm).map((row) => row.split('|').map((cell) => cell.trim()));

describe.each(PAGES)('%s', (page) => {
  it('links to pages and headings that are there', () => {
    const links = matchesIn(page, /\]\(((?!https?:)[^)]+)\)/g);
    const broken = links.filter((link) => {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page : join(dirname(page), path);
      if (!existsSync(join(ROOT, target))) return true;
      return anchor !== undefined && !anchorsIn(target).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  it('names files that are there, by their path or its end', () => {
    const named = matchesIn(page, /`(?:\.\/)?([\w./-]+\.(?:ts|sh|yaml|md))`/g);
    const isThere = (name: string): boolean =>
      existsSync(join(ROOT, name)) || PATHS.some((path) => path.endsWith(`/${name}`));
    expect(named.filter((name) => !isThere(name))).toEqual([]);
  });

  it('names labels and annotations that Kanari knows', () => {
    const known = new Set([
      ...SETTING_NAMES.map((name) => `kanari.dev/${name}`),
      ...Object.values(marks).filter((value) => typeof value === 'string'),
    ]);
    // The API group has a version; a `-` at the end removes a label in kubectl; one is misspelt, to show the answer.
    const named = matchesIn(page, /(kanari\.dev\/(?!v1)[a-z-]*[a-z])/g);
    expect(named.filter((name) => !known.has(name) && name !== 'kanari.dev/intervall')).toEqual([]);
  });

  it('names metrics that Kanari has', () => {
    const known = createMetrics()
      .registry.getMetricsAsArray()
      .map(({ name }) => name);
    const named = matchesIn(page, /\b(kanari_[a-z_]+)/g).map((name) =>
      name.replace(/_(?:bucket|sum|count)$/, ''),
    );
    expect(named.filter((name) => !known.includes(name))).toEqual([]);
  });
});

it('the README has every flag with its variable, and the default that --help tells', () => {
  const parsed = parseConfig(['--help'], {});
  const help = parsed.ok === 'help' ? parsed.help : expect.fail('no help');
  const flags = [...help.matchAll(/^ {2}(--\S+) \S+\n.*?(?: \(default (\S+)\))? \[(\S+)\]$/gm)].map(
    ([, flag = '', fallback, variable = '']) => [`\`${flag}\`, \`${variable}\``, fallback],
  );
  expect(flags.length).toBeGreaterThan(5);
  const listed = rowsIn('README.md')
    .filter(([name = '']) => name.startsWith('`--'))
    .map(([name, fallback]) => [name, /^`(.+)`$/.exec(fallback ?? '')?.[1]]);
  expect(listed).toEqual(flags);
});

it.each(['README.md', 'docs/settings.md'])('%s has a row for every setting', (page) => {
  const names = rowsIn(page).flatMap(([name = '']) =>
    [...name.matchAll(/`([a-z-]+)`/g)].map(([, word = '']) => word),
  );
  expect(SETTING_NAMES.filter((name) => !names.includes(name))).toEqual([]);
});
