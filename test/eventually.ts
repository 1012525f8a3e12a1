import { vi } from 'vitest';

/** Only against what hangs: on a busy machine everything takes its time. */
export const PATIENCE = { timeout: 60_000, interval: 5 };

/** Tries until it passes. */
export const eventually = <T>(check: () => T | Promise<T>): Promise<T> => vi.waitFor(check, PATIENCE);
