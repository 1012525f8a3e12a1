import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Counts, Evidence, PodCounters } from '../../src/core/counts.ts';
import {
  clientCounters,
  foldEvidence,
  judgedUpToHere,
  newEvidence,
  proxyCounters,
  type Scrape,
  unjudged,
} from '../../src/core/evidence.ts';
import { addCounts } from '../../src/core/pod-growth.ts';

const LIMITS = { successRate: 99, latency: { quantile: 0.99, limitMs: 500 }, compare: 'limit' } as const;

const SINCE = '2026-11-21T02:00:00Z';
const PROXY = proxyCounters('envoy');
const second = (s: number): string => new Date(Date.parse(SINCE) + s * 1000).toISOString();

const pod = (name: string, requests: number, errors = 0, timed = 0, slow = 0): PodCounters => ({
  pod: name,
  requests,
  errors,
  timed,
  slow,
});

/** Scrapes one second apart, the first one second after the evidence begins. */
const fold = (...scrapes: PodCounters[][]): Evidence =>
  scrapes.reduce(
    (evidence, pods, i) => foldEvidence(evidence, { at: second(i + 1), pods }, LIMITS),
    newEvidence(SINCE),
  );

describe('foldEvidence', () => {
  const totals: Record<string, { scrapes: PodCounters[][]; requests: number; errors: number }> = {
    "counts a new pod's first scrape whole": { scrapes: [[pod('a', 10, 1)]], requests: 10, errors: 1 },
    'adds what a pod grew by': { scrapes: [[pod('a', 10)], [pod('a', 25, 2)]], requests: 25, errors: 2 },
    'adds up pods': { scrapes: [[pod('a', 10, 1), pod('b', 5, 1)]], requests: 15, errors: 2 },
    'starts a pod seen later at 0': { scrapes: [[pod('a', 10)], [pod('b', 7)]], requests: 17, errors: 0 },
    'keeps what a vanished pod contributed': {
      scrapes: [[pod('a', 10, 3)], [], [pod('b', 1)]],
      requests: 11,
      errors: 3,
    },
    'does not count a pod again that was missing from one scrape': {
      scrapes: [[pod('a', 10)], [pod('b', 1)], [pod('a', 12), pod('b', 1)]],
      requests: 13,
      errors: 0,
    },
    'counts a restarted pod from 0': {
      scrapes: [[pod('a', 10, 2)], [pod('a', 4, 1)]],
      requests: 14,
      errors: 3,
    },
    'sees a restart that the requests alone hide': {
      scrapes: [[pod('a', 10, 5)], [pod('a', 12, 1)]],
      requests: 22,
      errors: 6,
    },
    "takes what a client's proxy had counted before for its baseline": {
      scrapes: [
        [pod('a', 10), pod(clientCounters('shop'), 40, 40)],
        [pod('a', 20), pod(clientCounters('shop'), 43, 43)],
      ],
      requests: 23,
      errors: 3,
    },
    "counts a client's proxy whole that begins to fail mid-run": {
      scrapes: [[pod('a', 10)], [pod('a', 10), pod(clientCounters('shop'), 2, 2)]],
      requests: 12,
      errors: 2,
    },
    "takes what a gateway's proxy had counted of an earlier revision for its baseline": {
      scrapes: [[pod(PROXY, 40, 40)], [pod(PROXY, 43, 41)]],
      requests: 3,
      errors: 1,
    },
    "knows of a gateway's proxy that is first seen mid-run no more than of the others": {
      scrapes: [[pod(PROXY, 40)], [pod(PROXY, 45), pod(proxyCounters('late'), 30, 30)]],
      requests: 5,
      errors: 0,
    },
    "counts what a gateway's proxy has from the first answer on when it was seen at 0": {
      scrapes: [[pod(PROXY, 0)], [pod(PROXY, 5, 1)]],
      requests: 5,
      errors: 1,
    },
    "counts a gateway's restarted proxy from 0": {
      scrapes: [[pod(PROXY, 40)], [pod(PROXY, 4, 1)]],
      requests: 4,
      errors: 1,
    },
  };

  it.each(Object.entries(totals))('%s', (_, { scrapes, requests, errors }) => {
    expect(fold(...scrapes).total).toMatchObject({ requests, errors });
  });

  it('counts the histogram apart, and takes missing series for missing, not for a restart', () => {
    const evidence = fold([pod('a', 10, 0, 8, 2)], [pod('a', 12, 0, 0, 0)], [pod('a', 14, 0, 13, 3)]);
    expect(evidence.total).toEqual({ requests: 14, errors: 0, timed: 13, slow: 3 });
  });

  const ignored: Record<string, { at: string }> = {
    'stamped before the evidence begins': { at: second(-5) },
    'stamped at the very beginning': { at: second(0) },
    'without a readable time': { at: 'yesterday' },
  };

  it("counts a gateway's proxy whole that was at 0 when the evidence began", () => {
    const before = foldEvidence(newEvidence(SINCE), { at: second(-5), pods: [pod(PROXY, 0)] }, LIMITS);
    const after = foldEvidence(before, { at: second(5), pods: [pod(PROXY, 12, 3)] }, LIMITS);
    expect(after.total).toMatchObject({ requests: 12, errors: 3 });
  });

  it("takes nothing else from before the evidence began: a gateway's proxy may still have counted", () => {
    const before = foldEvidence(newEvidence(SINCE), { at: second(-5), pods: [pod(PROXY, 9, 9)] }, LIMITS);
    const after = foldEvidence(before, { at: second(5), pods: [pod(PROXY, 12, 12)] }, LIMITS);
    expect(after.total).toMatchObject({ requests: 0, errors: 0 });
  });

  it.each(Object.entries(ignored))('ignores a scrape %s', (_, { at }) => {
    const evidence = newEvidence(SINCE);
    expect(foldEvidence(evidence, { at, pods: [pod('a', 10)] }, LIMITS)).toBe(evidence);
  });

  it('ignores a scrape older than the newest: a lagging replica is no restart', () => {
    const evidence = fold([pod('a', 10)], [pod('a', 20)]);
    expect(foldEvidence(evidence, { at: second(1), pods: [pod('a', 10)] }, LIMITS)).toBe(evidence);
  });

  it.each([
    ['the same counters', [pod('a', 10, 1, 9, 0)]],
    ['no pod', []],
    ['a pod that has served nothing', [pod('b', 0)]],
  ])('returns the same object for %s', (_, pods) => {
    const evidence = fold([pod('a', 10, 1, 9, 0)]);
    expect(foldEvidence(evidence, { at: second(9), pods }, LIMITS)).toBe(evidence);
  });

  it('gives both fast paths one look at what is new', () => {
    const evidence = fold([pod('a', 20, 10, 15, 9)], [pod('a', 40, 20, 30, 18)]);
    expect(evidence.fastErrors).toMatchObject({ n: 40, x: 20 });
    expect(evidence.fastSlow).toMatchObject({ n: 30, x: 18 });
    expect(evidence.fastErrors.logE).toBeCloseTo(2 * Math.log(10));
  });

  it('gives no look to a fast path whose metric is off', () => {
    const limits = { ...LIMITS, successRate: 'off', latency: 'off' } as const;
    const scrape = { at: second(1), pods: [pod('a', 20, 20, 20, 20)] };
    const evidence = foldEvidence(newEvidence(SINCE), scrape, limits);
    expect([evidence.fastErrors.n, evidence.fastSlow.n]).toEqual([0, 0]);
    expect(evidence.total.requests).toBe(20);
  });

  it('changes nothing that it was given', () => {
    const evidence = fold([pod('a', 10)]);
    const before = structuredClone(evidence);
    foldEvidence(evidence, { at: second(5), pods: [pod('a', 99, 9)] }, LIMITS);
    expect(evidence).toEqual(before);
  });

  const counter = fc.integer({ min: 0, max: 1_000 });
  const counters = fc
    .record({
      pod: fc.constantFrom('a', 'b', 'client/c', 'proxy/d'),
      requests: counter,
      errors: counter,
      timed: counter,
    })
    .map((each) => ({ ...each, errors: Math.min(each.errors, each.requests), slow: each.timed >> 1 }));
  const scrapes = fc.array(fc.uniqueArray(counters, { selector: (each) => each.pod }), { maxLength: 12 });

  it('never loses evidence, whatever is scraped', () => {
    fc.assert(
      fc.property(scrapes, (history) => {
        let last = newEvidence(SINCE);
        history.forEach((pods, i) => {
          const next = foldEvidence(last, { at: second(i + 1), pods }, LIMITS);
          for (const key of ['requests', 'errors', 'timed', 'slow'] as const) {
            expect(next.total[key]).toBeGreaterThanOrEqual(last.total[key]);
          }
          expect(next.total.errors).toBeLessThanOrEqual(next.total.requests);
          last = next;
        });
      }),
    );
  });

  it('sums the same from every scrape as from the last alone while no pod restarts', () => {
    const growing = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(growing, (steps) => {
        let requests = 0;
        const history = steps.map((grown) => {
          requests += grown;
          return [pod('a', requests)];
        });
        expect(fold(...history).total.requests).toBe(requests);
      }),
    );
  });
});

describe('evidence', () => {
  const served = fc.record({
    requests: fc.nat(300),
    errors: fc.nat(20),
    timed: fc.nat(300),
    slow: fc.nat(20),
  });
  /** What each of three pods serves from one scrape to the next. */
  const served3 = fc.tuple(served, served, served);
  const history = fc.array(fc.record({ pods: served3, primary: served, verdict: fc.boolean() }), {
    maxLength: 10,
  });
  type History = { pods: Counts[]; primary: Counts; verdict: boolean }[];
  type Between = (evidence: Evidence, scrape: Scrape) => Evidence;
  const COMPARED = { ...LIMITS, compare: 'primary' } as const;

  /** Counters by pod after each scrape; `arrange` says how they are reported. */
  const told = (
    seen: History,
    arrange: (pods: PodCounters[]) => PodCounters[],
    between: Between = (evidence) => evidence,
  ): Evidence => {
    let pods = ['a', 'b', 'c'].map((name) => pod(name, 0));
    let primary = pod('p', 1_000, 10, 1_000, 10);
    const grown = (counters: PodCounters, by: Counts): PodCounters => ({
      pod: counters.pod,
      requests: counters.requests + by.requests,
      errors: counters.errors + Math.min(by.errors, by.requests),
      timed: counters.timed + by.timed,
      slow: counters.slow + Math.min(by.slow, by.timed),
    });
    return seen.reduce((evidence, { verdict, ...look }, i) => {
      pods = pods.map((each, at) => grown(each, look.pods[at]!));
      primary = grown(primary, look.primary);
      const scrape = { at: second(i + 1), pods: arrange(pods), primary: [primary] };
      const next = between(foldEvidence(evidence, scrape, COMPARED), scrape);
      return verdict ? judgedUpToHere(next, COMPARED) : next;
    }, newEvidence(SINCE));
  };
  const asScraped = (pods: PodCounters[]): PodCounters[] => pods;
  const merged = (pods: PodCounters[]): PodCounters[] => [
    { pod: 'all', ...pods.reduce<Counts>(addCounts, { requests: 0, errors: 0, timed: 0, slow: 0 }) },
  ];
  const comparable = ({ pods: _, ...evidence }: Evidence) => evidence;

  it.each([
    ['in whatever order its pods are told', (pods: PodCounters[]) => [...pods].reverse()],
    ['whether its pods are told apart or as one', merged],
  ])('comes to the same %s', (_, arrange) => {
    fc.assert(
      fc.property(history, (seen) => {
        expect(comparable(told(seen, arrange))).toEqual(comparable(told(seen, asScraped)));
      }),
    );
  });

  it('gains nothing from a scrape that is folded twice', () => {
    fc.assert(
      fc.property(history, (seen) => {
        const twice: Between = (evidence, scrape) => {
          expect(foldEvidence(evidence, scrape, COMPARED)).toBe(evidence);
          return evidence;
        };
        told(seen, asScraped, twice);
      }),
    );
  });

  it('goes on after a restart as if there had been none', () => {
    fc.assert(
      fc.property(history, (seen) => {
        const restarted: Between = (evidence) => JSON.parse(JSON.stringify(evidence)) as Evidence;
        expect(told(seen, asScraped, restarted)).toEqual(told(seen, asScraped));
      }),
    );
  });
});

describe("the primary's evidence", () => {
  const COMPARED = { ...LIMITS, compare: 'primary' } as const;
  const compared = (...looks: [canary: PodCounters[], primary: PodCounters[]][]): Evidence =>
    looks.reduce(
      (evidence, [pods, primary], i) =>
        foldEvidence(evidence, { at: second(i + 1), pods, primary }, COMPARED),
      newEvidence(SINCE),
    );

  it('begins with the first look at each pod: what it had counted is not of this time', () => {
    const evidence = compared(
      [[pod('a', 10)], [pod('p', 900, 9)]],
      [[pod('a', 20)], [pod('p', 990, 10), pod('late', 500, 50)]],
      [[pod('a', 30)], [pod('p', 1_080, 11), pod('late', 590, 51)]],
    );
    expect(evidence.primary?.total).toMatchObject({ requests: 270, errors: 3 });
  });

  it('counts a restarted pod from 0, and keeps what a vanished one contributed', () => {
    const evidence = compared(
      [[pod('a', 10)], [pod('p', 900), pod('q', 100)]],
      [[pod('a', 20)], [pod('p', 40), pod('q', 150)]],
      [[pod('a', 30)], [pod('p', 60)]],
    );
    expect(evidence.primary?.total.requests).toBe(110);
  });

  it('is folded in when the canary has nothing new', () => {
    const evidence = compared([[pod('a', 10)], [pod('p', 900)]], [[pod('a', 10)], [pod('p', 990)]]);
    expect(evidence.primary?.total.requests).toBe(90);
    expect(evidence.primary?.errors.pending).toEqual({ canary: { n: 0, x: 0 }, primary: { n: 90, x: 0 } });
  });

  it('is not kept where nothing is compared', () => {
    const evidence = compared([[pod('a', 10)], [pod('p', 900)]]);
    const scrape = { at: second(9), pods: [pod('a', 20)], primary: [pod('p', 990)] };
    expect(foldEvidence(evidence, scrape, LIMITS)).not.toHaveProperty('primary');
  });
});

describe('judgedUpToHere', () => {
  const evidence = fold([pod('a', 30, 3, 20, 2)]);

  it('leaves nothing to judge, and lets the fast paths look anew from there', () => {
    const judged = judgedUpToHere(evidence, LIMITS);
    expect(unjudged(judged)).toEqual({ requests: 0, errors: 0, timed: 0, slow: 0 });
    expect(judged.fastErrors.latest).toEqual({ verdicts: 1, n: 30, x: 3 });
    expect(judged.fastSlow.latest).toEqual({ verdicts: 1, n: 20, x: 2 });
  });

  it('leaves the fast path of a metric that is off as it is', () => {
    const judged = judgedUpToHere(evidence, { ...LIMITS, successRate: 'off', latency: 'off' });
    expect([judged.fastErrors, judged.fastSlow]).toEqual([evidence.fastErrors, evidence.fastSlow]);
  });
});

describe('unjudged', () => {
  it('is what came since the last verdict', () => {
    const evidence = {
      ...fold([pod('a', 30, 3, 20, 2)]),
      judged: { requests: 10, errors: 1, timed: 5, slow: 1 },
    };
    expect(unjudged(evidence)).toEqual({ requests: 20, errors: 2, timed: 15, slow: 1 });
  });
});
