import { expect, it } from 'vitest';
import type { Delivery } from '../../../lib/core/delivery.js';
import type { BeginOutcome } from '../../../lib/core/lease.js';
import type { Settlement } from '../../../lib/core/settlement.js';
import { Overdue } from '../../../lib/consuming/running/overdue.js';
import { ManualClock } from '../../../lib/drivers/memory/index.js';
import { standIn } from '../../support/stand-in.js';

it('an entry for whose data there is no room yet is neither lost nor given away: it is asked for again', async () => {
  const clock = new ManualClock();
  const outcomes: BeginOutcome[] = ['later', 'started'];
  const settled: Settlement[] = [];
  let handedOn = 0;
  const overdue = new Overdue({
    clock,
    handOn: () => {
      handedOn++;
      return Promise.resolve('kept');
    },
    exclusive: false,
    begin: async () => outcomes.shift()!,
    start: () => undefined,
    settle: async (_, settlement) => void settled.push(settlement),
  });
  const handler = { name: 'H.run', timeout: 100, maxDeliveries: 5, overlap: true };
  const old = {
    handler,
    eventType: 'made',
    overrun: { ended: new Promise<void>(() => undefined) },
  };
  const again = { attempt: 2, lease: {}, overruns: true };
  overdue.cameBack(standIn<Delivery>(again), standIn<Delivery>(old));
  await clock.advance(100);
  expect([settled, handedOn]).toEqual([[], 0]);
  await clock.advance(1000);
  expect([settled, handedOn]).toEqual([[], 1]);
});
