/** Undefined when all is well, else what is wrong, in words. Synchronous: a probe never waits. */
export type HealthCheck = () => string | undefined;

export interface HealthReport {
  ok: boolean;
  checks: { name: string; problem: string | undefined }[];
}

export interface Health {
  /** Failing, the process is restarted. For states that no waiting cures. */
  addLiveness: (name: string, check: HealthCheck) => void;
  /** Failing, the process gets no requests. */
  addReadiness: (name: string, check: HealthCheck) => void;
  liveness: () => HealthReport;
  readiness: () => HealthReport;
}

const inspect = (name: string, check: HealthCheck) => {
  try {
    return { name, problem: check() };
  } catch (error) {
    return { name, problem: error instanceof Error ? error.message : String(error) };
  }
};

const report = (checks: ReadonlyMap<string, HealthCheck>): HealthReport => {
  const results = [...checks].map(([name, check]) => inspect(name, check));
  return { ok: results.every(({ problem }) => problem === undefined), checks: results };
};

export const createHealth = (): Health => {
  const liveness = new Map<string, HealthCheck>();
  const readiness = new Map<string, HealthCheck>();
  return {
    addLiveness: (name, check) => void liveness.set(name, check),
    addReadiness: (name, check) => void readiness.set(name, check),
    liveness: () => report(liveness),
    readiness: () => report(readiness),
  };
};

/** One line per check, as the API server's own `/readyz?verbose` prints them. */
export const renderHealth = ({ ok, checks }: HealthReport): string =>
  [
    ...checks.map(({ name, problem }) =>
      problem === undefined ? `[+] ${name} ok` : `[-] ${name}: ${problem}`,
    ),
    ok ? 'ok' : 'failed',
    '',
  ].join('\n');
