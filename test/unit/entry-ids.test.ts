import { describe, expect, it } from 'vitest';
import {
  canonicalId,
  compareEntryIds,
  idBehind,
  isEntryId,
  timeOf,
} from '../../lib/drivers/entry-ids/entry-id.js';

const LARGEST = '18446744073709551615';

describe('ids of entries', () => {
  it.each([
    ['2-0', '1-0'],
    ['10-0', '9-0'],
    ['1-10', '1-9'],
    ['2-0', '1-10'],
    ['10-0', '9-99'],
    ['1700000000001-0', '1700000000000-12'],
    [`1-${LARGEST}`, '1-18446744073709551614'],
    ['1', '0-5'],
    ['1-1', '1'],
    ['1-0', ''],
  ])('%s comes after %s', (later, earlier) => {
    expect(compareEntryIds(later, earlier)).toBeGreaterThan(0);
    expect(compareEntryIds(earlier, later)).toBeLessThan(0);
    expect(compareEntryIds(later, later)).toBe(0);
  });

  it('lack their sequence number where it is 0', () => {
    expect(compareEntryIds('7', '7-0')).toBe(0);
    expect(canonicalId('007')).toBe('7-0');
    expect(idBehind('7')).toBe('7-1');
  });

  it('are counted exactly, and tell when they were added', () => {
    expect(idBehind('1-9007199254740993')).toBe('1-9007199254740994');
    expect(timeOf('1700000000000-3')).toBe(1_700_000_000_000);
    expect(timeOf('1700000000000')).toBe(1_700_000_000_000);
  });

  it.each(['0', '1-0', `${LARGEST}-${LARGEST}`])('%s can be one', (id) => {
    expect(isEntryId(id)).toBe(true);
  });

  it.each(['', '-', '$', '1-', '-1', 'a-1', '1-1-1', `1${LARGEST}`, 1])('%s is none', (given) => {
    expect(isEntryId(given)).toBe(false);
  });
});
