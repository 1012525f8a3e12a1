import { isTrusted } from '../../src/certs/validity.ts';
import type { KubeObject } from '../../src/core/objects.ts';
import { fakeCluster } from './fake-cluster.ts';
import { START } from './key-pairs.ts';
import {
  bundles,
  type Cluster,
  configuration,
  LOOK_MS,
  replaceSecret,
  SECRET,
  startReplica,
  trustAlso,
} from './replica.ts';

type Secret = KubeObject & { data?: Record<string, string> };

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
/** How far behind API servers may be with the webhook configuration. */
const LAG_MS = 4 * SECOND;

export type Which = 0 | 1;

/** API servers that know some bundle of the last seconds. */
const startCallers = (cluster: Cluster, clock: { now: number }) => {
  const known: { bundle: string; until: number }[] = [];
  return {
    look: () => {
      const trusted = bundles(cluster)[0] ?? '';
      const last = known.at(-1);
      if (last?.bundle === trusted) return;
      if (last !== undefined) last.until = clock.now;
      known.push({ bundle: trusted, until: Infinity });
    },
    inUse: () => known.filter(({ until }) => clock.now - until <= LAG_MS).map(({ bundle }) => bundle),
    /** A clock that is set back leaves them as far behind as they are. */
    clockSet: (milliseconds: number) => {
      if (milliseconds < 0) for (const entry of known) entry.until += milliseconds;
    },
  };
};

/** Two replicas behind a Service, one of whose clocks differs, and API servers that call the ready ones. */
export const startService = async (skewMs: number) => {
  const cluster = fakeCluster();
  cluster.put(configuration());
  const clock = { now: START.getTime() };
  const start = (which: Which) => startReplica({ cluster, clock, skewMs: which * skewMs });
  const running = { 0: start(0), 1: start(1) };
  const callers = startCallers(cluster, clock);

  /** Whoever calls a ready replica trusts what it serves, however late the caller learns. */
  const failedCalls = (): string[] => {
    callers.look();
    const at = new Date(clock.now);
    return ([0, 1] as const).flatMap((which) => {
      const { rotator } = running[which];
      const cert = rotator.current()?.cert ?? '';
      const isCalled = rotator.problem() === undefined;
      const isRefused = callers.inUse().some((bundle) => !isTrusted(cert, { bundle, at }));
      return isCalled && isRefused ? [`replica ${which} at ${at.toISOString()}`] : [];
    });
  };

  const restart = (which: Which): void => {
    running[which].stop();
    running[which] = start(which);
  };

  /** Both look at all things, every so often; told are the calls that failed meanwhile. */
  const live = async (milliseconds: number, lookMs = LOOK_MS): Promise<string[]> => {
    const failed: string[] = [];
    for (let passed = 0; passed < milliseconds; passed += lookMs) {
      clock.now += lookMs;
      for (const which of [0, 1] as const) {
        await running[which].pass();
        failed.push(...failedCalls());
      }
    }
    return failed;
  };

  await live(12 * SECOND, 3 * SECOND);
  const secret = () => cluster.get(SECRET) as Secret;
  const first = secret();
  return {
    failedCalls,
    restart,
    live,
    pass: (which: Which) => running[which].pass(),
    /** Its next pass ends at its first or second write, as a kill would end it; then it starts anew. */
    kill: async (which: Which, atWrite: number) => {
      let writes = 0;
      cluster.hooks.before = () => {
        writes += 1;
        if (writes >= atWrite) throw new Error('killed');
      };
      await running[which].pass();
      cluster.hooks.before = () => {};
      restart(which);
    },
    wait: (milliseconds: number): void => void (clock.now += milliseconds),
    setClock: (milliseconds: number): void => {
      clock.now += milliseconds;
      callers.clockSet(milliseconds);
    },
    lose: () => replaceSecret(cluster, undefined),
    spoil: () => replaceSecret(cluster, { 'ca.crt': 'x', 'ca.key': 'x', 'tls.crt': 'x' }),
    /** As a backup does. */
    restore: () => cluster.put(first),
    trustAlso: (cert: string) => trustAlso(cluster, cert),
    /** What each serves by. */
    served: () => ([0, 1] as const).map((which) => running[which].rotator.current()?.cert),
    problems: () => ([0, 1] as const).map((which) => running[which].rotator.problem()),
    /** The bundles of the webhook configuration and of the Secret. */
    trusted: () => bundles(cluster)[0] ?? '',
    stored: () => Buffer.from(secret().data?.['ca.crt'] ?? '', 'base64').toString(),
  };
};

export type Service = Awaited<ReturnType<typeof startService>>;
