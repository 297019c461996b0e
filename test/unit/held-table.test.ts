import { describe, expect, it } from 'vitest';
import { HeldTable } from '../../lib/drivers/redis/held-entries/held-table.js';
import { RedisLease } from '../../lib/drivers/redis/held-entries/redis.lease.js';

const holder = { group: 'g', consumer: 'c', guards: [], runsWithin: 0, settled: () => undefined };
const source = { key: 's', stream: 's', redriven: false };
const other = { key: 't', stream: 't', redriven: false };
const lease = (id: string, of = source) => new RedisLease(holder, of, id, 1, true, []);

describe('the table of what is held', () => {
  it('finds what was added, in any order, until it is removed', () => {
    const table = new HeldTable();
    const leases = ['5-0', '3-0', '10-0', '7-1'].map((id) => lease(id));
    for (const one of leases) {
      table.add(one);
      for (const known of leases.slice(0, leases.indexOf(one) + 1)) {
        expect(table.get(source, known.entryId)).toBe(known);
      }
    }
    expect(table.get(source, '4-0')).toBeUndefined();
    expect(table.get(other, '5-0')).toBeUndefined();
    table.remove(leases[1]!);
    table.remove(leases[1]!);
    expect(table.get(source, '3-0')).toBeUndefined();
    expect(table.count(source)).toBe(3);
  });

  it('gives a hint of its memory to a large message, and to no small one', () => {
    const table = new HeldTable();
    const small = new RedisLease(holder, source, '1-0', 1, true, ['x'.repeat(100_000)]);
    const large = new RedisLease(holder, source, '2-0', 1, true, ['x'.repeat(200_000)]);
    for (const one of [small, large]) table.add(one);
    expect(small.memoryHint).toBeUndefined();
    expect(large.memoryHint).toBeDefined();
    table.resize(large, 0);
    expect(large.memoryHint).toBeUndefined();
  });

  it('keeps a later hold on an entry when an earlier one is removed', () => {
    const table = new HeldTable();
    const [earlier, later] = [lease('1-0'), lease('1-0')];
    table.add(earlier);
    table.remove(earlier);
    table.add(later);
    table.remove(earlier);
    expect(table.get(source, '1-0')).toBe(later);
  });

  it('knows those that were left', () => {
    const table = new HeldTable();
    const [left, held] = [lease('1-0'), lease('2-0')];
    for (const one of [left, held, lease('3-0', other)]) table.add(one);
    left.leave();
    expect(table.left(source)).toEqual([left]);
  });
});
