import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isNativeError } from 'node:util/types';
import type { Logger } from '../telemetry/log.ts';
import type { CertificateSource, Circumstances, Material } from './certificate-source.ts';
import { createRetirement } from './retirement.ts';
import {
  authoritiesIn,
  authoritiesToKeep,
  isTrusted,
  pairProblem,
  servingProblem,
  splitBundle,
} from './validity.ts';

const INTERVAL_MS = 8_000;

interface Files {
  cert: string;
  key: string;
  /** Undefined where there is none. */
  ca: string | undefined;
}

const readFiles = async (directory: string): Promise<Files> => {
  const read = (name: string): Promise<string> => readFile(join(directory, name), 'utf8');
  const ca = read('ca.crt').catch((error: unknown) => {
    if (isNativeError(error) && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  const [cert, key, bundle] = await Promise.all([read('tls.crt'), read('tls.key'), ca]);
  return { cert, key, ca: bundle };
};

const problemWith = ({ ca, ...pair }: Files, circumstances: Circumstances): string | undefined =>
  ca === undefined
    ? pairProblem(pair, circumstances)
    : servingProblem(pair, { ...circumstances, bundle: ca });

/** Authorities by which this replica, or others that don't see these files yet, may be serving. */
const othersThan = (own: readonly string[], { registered, served, at }: Circumstances): string[] => {
  const needed = authoritiesIn(served?.ca ?? '', at).filter((bundle) =>
    isTrusted(served?.cert ?? '', { bundle, at }),
  );
  const found = authoritiesToKeep(registered, at);
  return [...new Set([...found, ...needed])].filter((cert) => !own.includes(cert));
};

/**
 * A pair that somebody else renews in `tls.crt`, `tls.key` and `ca.crt` of a directory, such as cert-manager's Secret
 * as a volume. Files that can't be served with are told about, and the pair before stays.
 */
export const createCertificateFiles = (directory: string, log: Logger): CertificateSource => {
  let good: Files | undefined;
  let told: string | undefined;
  const retirement = createRetirement();

  const tell = (problem: string | undefined): void => {
    if (problem !== undefined && problem !== told)
      log.error({ directory, problem }, 'certificate files not used');
    told = problem;
  };

  const look = async (circumstances: Circumstances): Promise<void> => {
    try {
      const files = await readFiles(directory);
      const problem = problemWith(files, circumstances);
      if (problem === undefined) good = files;
      tell(problem);
    } catch (error) {
      tell(error instanceof Error ? error.message : String(error));
    }
  };

  /** Replicas see new files at different times: each adds the authority it needs, and removes none that others may. */
  const bundleOf = (ca: string, circumstances: Circumstances): string => {
    const own = authoritiesIn(ca, circumstances.at);
    const others = othersThan(own, circumstances);
    const settled = splitBundle(circumstances.settled);
    const idle = own.every((cert) => settled.includes(cert)) ? others : [];
    const retired = retirement.due(idle, circumstances.at);
    return [...own, ...others.filter((cert) => !retired.includes(cert))].join('');
  };

  return {
    intervalMs: INTERVAL_MS,
    obtain: async (circumstances): Promise<Material> => {
      await look(circumstances);
      if (good === undefined) throw new Error(`${directory}: ${told ?? 'nothing to serve with'}`);
      const { ca, ...pair } = good;
      return {
        pair,
        bundle: ca === undefined ? undefined : bundleOf(ca, circumstances),
        ...(told === undefined ? {} : { note: `${directory} is not used: ${told}` }),
      };
    },
  };
};
