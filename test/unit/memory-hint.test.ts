import { expect, it, vi } from 'vitest';
import { memoryHint } from '../../lib/drivers/redis/held-entries/memory-hint.js';

const MB = 1_048_576;
const bytesOf = (size: number, most: number): number | undefined =>
  (memoryHint(size, most) as ArrayBuffer | undefined)?.byteLength;

it('a small message has no hint', () => {
  expect(memoryHint(100_000, 8 * MB)).toBeUndefined();
});

it('a large one says several times its bytes, fewer where the process may hold more', () => {
  expect(bytesOf(MB, 8 * MB)).toBe(6 * MB);
  expect(bytesOf(MB, 2 * MB)).toBe(6 * MB);
  expect(bytesOf(MB, 96 * MB)).toBe(MB / 2);
});

it('no hint is given where none can be had, nor tried for the next minute', () => {
  const now = vi.spyOn(performance, 'now').mockReturnValue(1000);
  try {
    expect(memoryHint(Number.MAX_SAFE_INTEGER, 8 * MB)).toBeUndefined();
    now.mockReturnValue(60_999);
    expect(memoryHint(MB, 8 * MB)).toBeUndefined();
    now.mockReturnValue(61_000);
    expect(bytesOf(MB, 8 * MB)).toBe(6 * MB);
  } finally {
    now.mockRestore();
  }
});
