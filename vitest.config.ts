import { defineConfig } from 'vitest/config';

// unit: pure and in-process, seconds. lab: a real control plane, proxy and metrics server, minutes.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/lab/**'],
          // Only against what hangs: properties take their time on a busy machine.
          testTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'lab',
          include: ['test/lab/**/*.test.ts'],
          testTimeout: 240_000,
          // The first lab on a machine is built from source.
          hookTimeout: 2_700_000,
          // One control plane at a time: two cores are enough for one, not for several.
          fileParallelism: false,
        },
      },
    ],
  },
});
