/**
 * Stands in for the package `@jest/globals`, so that the pages' specs for Jest are compiled and run
 * here: under vitest, whose functions take the same arguments.
 */
import { vi } from 'vitest';

export { afterEach, beforeEach, describe, expect, it, test } from 'vitest';

export const jest = {
  fn: vi.fn,
  setTimeout: (ms: number): void => vi.setConfig({ testTimeout: ms }),
};
