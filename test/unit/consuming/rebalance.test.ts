import { expect, test } from 'vitest';
import { Rebalance } from '../../../lib/consuming/rebalance.js';
import type { Delivery } from '../../../lib/core/delivery.js';
import type { Lease } from '../../../lib/core/lease.js';

type Options = ConstructorParameters<typeof Rebalance>[0];

test('each of several partitions that go at once has its own end', async () => {
  const nothing = {
    held: { untilNone: async () => undefined },
    dispatcher: { take: () => [] },
    plan: { tables: new Map() },
  };
  const rebalance = new Rebalance(nothing as object as Options);
  const isHalted = rebalance.orHalted(() => false);
  const halted = () =>
    ['a', 'b'].map((lane) => isHalted({ lease: { lane } } as object as Delivery));
  const goes = (partition: string) => (lease: Lease) => lease.lane === (partition as unknown);
  const [a, b] = [goes('a'), goes('b')];
  await Promise.all([rebalance.begins(a), rebalance.begins(b)]);
  expect(halted()).toEqual([true, true]);
  rebalance.ends(a);
  expect(halted()).toEqual([false, true]);
  rebalance.ends(b);
  expect(halted()).toEqual([false, false]);
});
