import { readFileSync } from 'node:fs';

// The commands of a page of docs/, so that what a reader is told to type is what a test types.

export interface DocumentedCommands {
  /** The blocks marked `sh` under a heading, in their order. Throws when there is none. */
  under(heading: string): string[];
  /** Headings with blocks that nobody has asked for yet. */
  unused(): string[];
}

const HEADING = /^#+ (?<heading>.+)$/;

/** A page; only what follows the first of the two headings and comes before the second counts. */
export const documentedCommands = (
  file: string,
  { from, before }: { from: string; before: string },
): DocumentedCommands => {
  const page = readFileSync(file, 'utf8');
  const blocks = new Map<string, string[]>();
  let heading = '';
  let block: string[] | undefined;
  for (const line of page
    .slice(page.indexOf(`\n## ${from}\n`), page.indexOf(`\n## ${before}\n`))
    .split('\n')) {
    if (block !== undefined) {
      if (line === '```') {
        blocks.set(heading, [...(blocks.get(heading) ?? []), block.join('\n')]);
        block = undefined;
      } else block.push(line);
    } else if (line === '```sh') block = [];
    else heading = HEADING.exec(line)?.groups?.['heading'] ?? heading;
  }
  const used = new Set<string>();
  return {
    under: (wanted) => {
      const found = blocks.get(wanted);
      if (found === undefined) throw new Error(`${file} has no commands under "${wanted}"`);
      used.add(wanted);
      return found;
    },
    unused: () => [...blocks.keys()].filter((known) => !used.has(known)),
  };
};
