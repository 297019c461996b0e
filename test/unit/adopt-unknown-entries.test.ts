import { expect, it } from 'vitest';
import { RedisConnectionError } from '../../lib/drivers/redis/errors/redis-connection.errors.js';
import { EventBus } from '../../lib/core/event-bus.js';
import {
  Adoption,
  type AdoptionOptions,
} from '../../lib/drivers/redis/reading/adopt-unknown-entries.js';
import { HeldTable } from '../../lib/drivers/redis/held-entries/held-table.js';
import type { EntryHolder, ReadKey } from '../../lib/drivers/redis/held-entries/redis.lease.js';
import { standIn } from '../support/stand-in.js';

const keyOf = (key: string): ReadKey => ({ key, stream: key, redriven: false });
const holder = { group: 'g', consumer: 'c' } as EntryHolder;

/** An adoption of three keys with one pending entry each, where asking for the key `a` fails. */
function adopting(failsAt: 'listing' | 'fetching', error: Error) {
  const events = new EventBus();
  const failures: Error[] = [];
  events.on('worker-error', ({ error: failure }) => failures.push(failure));
  const added: string[] = [];
  const ask = async <T>(step: typeof failsAt, key: string, answer: T): Promise<T> => {
    if (step === failsAt && key === 'a') throw error;
    return answer;
  };
  const found = [{ id: '1-1', count: 1, fields: ['n', '1'] }];
  const adoption = new Adoption(
    standIn<AdoptionOptions>({
      events,
      holder,
      held: new HeldTable(),
      entries: {
        pendingTo: (_: string, key: string) =>
          ask('listing', key, [{ id: '1-1', count: 1, idle: 0 }]),
      },
      fetch: {
        isTooLarge: () => false,
        fetch: ({ key }: ReadKey) => ask('fetching', key, { found, deleted: 0, rest: [] }),
      },
      streams: () => ['a', 'b', 'c'].map(keyOf),
      waiting: () => Promise.resolve(new Set<string>()),
      byteCapacity: { ofAdoption: 1000 },
      sizes: { learnOf: () => undefined },
      add: (lease: { stream: string }) => added.push(lease.stream),
      onHeld: () => undefined,
    }),
  );
  return { adoption, added, failures };
}

it.each(['listing', 'fetching'] as const)(
  'a key that fails at %s is told of, and the others are adopted',
  async (failsAt) => {
    const error = new Error('not this key');
    const { adoption, added, failures } = adopting(failsAt, error);
    await adoption.adoptAll();
    expect(added).toEqual(['b', 'c']);
    expect(failures).toEqual([error]);
  },
);

it('without a connection the other keys are not asked for', async () => {
  const error = new RedisConnectionError('not-sent', 'listing pending entries', new Error('away'));
  const { adoption, added, failures } = adopting('listing', error);
  await adoption.adoptAll();
  expect(added).toEqual([]);
  expect(failures).toEqual([error]);
});
