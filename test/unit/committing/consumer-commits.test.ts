import { expect, it } from 'vitest';
import { ConsumerCommits } from '../../../lib/committing/consumer-commits.js';
import { Delivery } from '../../../lib/core/delivery.js';
import { EventBus } from '../../../lib/core/event-bus.js';
import type { Lease } from '../../../lib/core/lease.js';
import { ack, deadLetter, release, retry } from '../../../lib/core/settlement.js';
import { COMMITS_OPTIONS } from '../../../lib/options/commits-options.js';
import type { MessageSource } from '../../../lib/ports/source.js';
import { committed } from '../../support/committed.js';
import { World } from '../../support/engine.js';
import { standIn } from '../../support/stand-in.js';

/** A consumer that follows each entry, because its source cannot tell how far the group is. */
function following(positions: 'engine' | 'source' = 'engine') {
  const world = new World();
  const store = world.storeElsewhere();
  const capabilities = { positions, holds: 'entry' } as const;
  const commits = new ConsumerCommits(
    'g',
    {
      source: standIn<MessageSource>({ capabilities }),
      ids: {
        accepts: (id) => /^\d+$/.test(id),
        compare: (a, b) => Number(a) - Number(b),
        expected: 'a number',
      },
      store,
      clock: world.clock,
      events: new EventBus(),
      settings: { ...COMMITS_OPTIONS.complete({}), name: 'default' },
    },
    new Set(),
  );
  const handOut = (id: string, more: Partial<Lease> = {}): Delivery => {
    const lease = standIn<Lease>({ stream: 'orders', id, attempt: 1, ...more });
    commits.handedOut!([lease]);
    return new Delivery(lease, 'g', 'c');
  };
  const record = async () => {
    await world.clock.advance(5000);
    return committed(store);
  };
  return { commits, handOut, record };
}

it('only what is acknowledged or dead-lettered is settled', async () => {
  const { commits, handOut, record } = following();
  const [one, two, three] = [handOut('1'), handOut('2'), handOut('3')];
  commits.settled(three!, deadLetter('rejected'), 'settled');
  commits.settled(one!, retry(1), 'settled');
  commits.settled(one!, release, 'settled');
  expect(await record()).toBeUndefined();
  commits.settled(one!, ack, 'settled');
  expect(await record()).toMatchObject({ offset: '1', lastMessageId: '1' });
  commits.settled(two!, ack, 'settled');
  expect(await record()).toMatchObject({ offset: '3', lastMessageId: '2' });
});

it('a message on hold is not settled before it was released and has run', async () => {
  const { commits, handOut, record } = following();
  const [one, two] = [handOut('1'), handOut('2')];
  commits.settled(one!, { ...deadLetter('rejected'), action: 'hold' }, 'settled');
  commits.settled(two!, { ...deadLetter('rejected'), action: 'drop' }, 'settled');
  expect(await record()).toBeUndefined();
  const released = handOut('1');
  commits.settled(released, ack, 'settled');
  expect(await record()).toMatchObject({ offset: '2', lastMessageId: '1' });
});

it('what another run has is settled by that run', async () => {
  const { commits, handOut, record } = following();
  const [one, two] = [handOut('1'), handOut('2')];
  commits.settled(one!, ack, 'settled');
  commits.settled(two!, ack, 'lost');
  expect(await record()).toMatchObject({ offset: '1', lastMessageId: '1' });
});

it('what no run can have any more holds up nothing, and was not settled last', async () => {
  const { commits, handOut, record } = following();
  const [one, two, three, four] = ['1', '2', '3', '4'].map((id) => handOut(id));
  commits.settled(one!, ack, 'settled');
  commits.settled(two!, retry(1), 'gone');
  commits.dropped(three!, true);
  expect(await record()).toMatchObject({ offset: '3', lastMessageId: '1' });
  commits.settled(four!, ack, 'settled');
  expect(await record()).toMatchObject({ offset: '4', lastMessageId: '4' });
});

it('what was lost to another run comes again, on a source that remembers nothing', async () => {
  const { commits, handOut, record } = following();
  const [one, two] = [handOut('1'), handOut('2')];
  commits.dropped(one!, false);
  commits.settled(two!, ack, 'settled');
  expect(await record()).toBeUndefined();
});

it('what was lost to another consumer counts there, on a source that remembers', async () => {
  const { commits, handOut, record } = following('source');
  const [one, two] = [handOut('1'), handOut('2')];
  commits.dropped(one!, false);
  commits.settled(two!, ack, 'settled');
  expect(await record()).toMatchObject({ offset: '2' });
});

it('a redriven message has no part in the position', async () => {
  const { commits, handOut, record } = following();
  const redriven = handOut('5', { redriven: true });
  const one = handOut('1');
  commits.settled(redriven, ack, 'settled');
  expect(await record()).toBeUndefined();
  commits.settled(one, ack, 'settled');
  expect(await record()).toMatchObject({ offset: '1' });
});
