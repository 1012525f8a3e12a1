/** Undefined when all is well, else what is wrong, in words. Synchronous: a probe never waits. */
export type HealthCheck = () => string | undefined;

/** Worth knowing though all is well so far, in words; undefined when there is nothing to say. */
export type HealthNote = () => string | undefined;

export interface HealthReport {
  ok: boolean;
  checks: { name: string; problem: string | undefined; note?: string }[];
}

export interface Health {
  /** Failing, the process is restarted. For states that no waiting cures. */
  addLiveness: (name: string, check: HealthCheck) => void;
  /** Failing, the process gets no requests. */
  addReadiness: (name: string, check: HealthCheck, note?: HealthNote) => void;
  liveness: () => HealthReport;
  readiness: () => HealthReport;
}

interface Check {
  check: HealthCheck;
  note?: HealthNote | undefined;
}

const inspect = (name: string, { check, note }: Check): HealthReport['checks'][number] => {
  try {
    const said = note?.();
    return { name, problem: check(), ...(said === undefined ? {} : { note: said }) };
  } catch (error) {
    return { name, problem: error instanceof Error ? error.message : String(error) };
  }
};

const report = (checks: ReadonlyMap<string, Check>): HealthReport => {
  const results = [...checks].map(([name, check]) => inspect(name, check));
  return { ok: results.every(({ problem }) => problem === undefined), checks: results };
};

export const createHealth = (): Health => {
  const liveness = new Map<string, Check>();
  const readiness = new Map<string, Check>();
  return {
    addLiveness: (name, check) => void liveness.set(name, { check }),
    addReadiness: (name, check, note) => void readiness.set(name, { check, note }),
    liveness: () => report(liveness),
    readiness: () => report(readiness),
  };
};

/** One line per check, as the API server's own `/readyz?verbose` prints them. */
export const renderHealth = ({ ok, checks }: HealthReport): string =>
  [
    ...checks.map(({ name, problem, note }) =>
      problem === undefined
        ? `[+] ${name} ok${note === undefined ? '' : `: ${note}`}`
        : `[-] ${name}: ${problem}`,
    ),
    ok ? 'ok' : 'failed',
    '',
  ].join('\n');
