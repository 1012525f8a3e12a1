import { defineConfig } from 'vitest/config';

// unit: pure and in-process, seconds. lab: a real control plane, minutes. load: the same, with clients whose every failed
// request counts. traffic: the matrix of scenarios and ways of routing, under load. gateway: under load too, behind a real
// Gateway, the matrix included, and Flagger's load tester; runs in a network of its own (scripts/in-own-network.sh).

/** The first lab on a machine is built from source. */
const LAB_TIMEOUTS = { testTimeout: 240_000, hookTimeout: 2_700_000 };

/** What listens to everybody there listens to the test alone. */
const IN_A_NETWORK_OF_THEIR_OWN = ['test/lab/gateway/*.test.ts', 'test/lab/load-tester.test.ts'];
/** With so many clients that each file has the machine to itself. */
const TRAFFIC = ['test/lab/traffic/*.test.ts', 'test/lab/verdicts.test.ts'];
/** All cells of a wave of the matrix. */
const AT_ONCE = 20;
/** Only against what hangs: a cell waits for processor time beside nineteen others, and in each wait of its own. */
const CELL_TIMEOUT = { testTimeout: 900_000 };

const UNDER_LOAD = [
  'bad-release',
  'data-plane',
  'drain',
  'good-release',
  'kill',
  'replicas',
  'whole-share',
].map((name) => `test/lab/${name}.test.ts`);

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/lab/**'],
          setupFiles: ['test/property-seed.ts'],
          // Only against what hangs: properties and RSA keys take their time on a busy machine.
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: 'lab',
          include: ['test/lab/**/*.test.ts'],
          exclude: [...UNDER_LOAD, ...IN_A_NETWORK_OF_THEIR_OWN, ...TRAFFIC],
          ...LAB_TIMEOUTS,
          // Only against what hangs: three labs at a time on two busy processors.
          testTimeout: 600_000,
          // A control plane each; two thirds of the time they wait, also on two processors.
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'load',
          include: UNDER_LOAD,
          ...LAB_TIMEOUTS,
          // Only against what hangs: Kanari starts some twenty times in one of them.
          testTimeout: 900_000,
          // Two take half of two processors. No more: a request that fails for want of processor time says nothing.
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'traffic',
          include: TRAFFIC,
          ...LAB_TIMEOUTS,
          ...CELL_TIMEOUT,
          maxWorkers: 1,
          maxConcurrency: AT_ONCE,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          name: 'gateway',
          include: IN_A_NETWORK_OF_THEIR_OWN,
          ...LAB_TIMEOUTS,
          ...CELL_TIMEOUT,
          maxWorkers: 1,
          maxConcurrency: AT_ONCE,
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
});
