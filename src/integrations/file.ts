import { readFile } from 'node:fs/promises';
import { loadYaml } from '@kubernetes/client-node';
import { type Integrations, NO_INTEGRATIONS, parseIntegrations } from './schema.ts';

const contentOf = async (file: string): Promise<unknown> => {
  const text = await readFile(file, 'utf8');
  try {
    return loadYaml(text);
  } catch (error) {
    // The rest of the message quotes the file.
    const [problem = ''] = String(error instanceof Error ? error.message : error).split('\n');
    throw new Error(`${file} is no YAML: ${problem}`, { cause: error });
  }
};

/**
 * The operator's file of integrations; without one, none.
 * @throws Error that names the file and every place in it that is not understood
 */
export const loadIntegrations = async (file: string | undefined): Promise<Integrations> => {
  if (file === undefined) return NO_INTEGRATIONS;
  const parsed = parseIntegrations(await contentOf(file));
  if (parsed.ok) return parsed.integrations;
  throw new Error(`${file} is not understood: ${parsed.violations.join('; ')}`);
};
