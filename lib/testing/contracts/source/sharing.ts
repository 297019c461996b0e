import { expect } from '../../running/expect.js';
import type { Tests } from '../../running/runner.js';
import type { Lease } from '../../../core/lease.js';
import { valueOf, type SourceWorld } from '../../world/source-world.js';

export function describeSharing({ test }: Tests, world: () => SourceWorld): void {
  const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index));

  test('consumers of one group share its entries', async () => {
    await world().needEntries();
    const readers = [await world().reader('A'), await world().reader('B')];
    const shares: Lease[][] = [[], []];
    await world().publish(...numbers(40));
    while (shares[0]!.length + shares[1]!.length < 40) {
      for (const [index, reader] of readers.entries()) {
        const leases = await reader.until(reader.subscription.pull(3));
        await reader.ack(...leases);
        shares[index]!.push(...leases);
      }
    }
    const values = shares.flat().map((lease) => Number(valueOf(lease)));
    expect(values.toSorted((a, b) => a - b).map(String)).toEqual(numbers(40));
    expect(Math.min(...shares.map((share) => share.length))).toBeGreaterThan(0);
  });

  test('of consumers that wait, one gets an entry', async () => {
    const options = { blockTimeout: 300 };
    const readers = [await world().reader('A', options), await world().reader('B', options)];
    // In some technologies a stream has to be there for a consumer to be told of its entries at once.
    await world().publish('before');
    const taken: Lease[] = [];
    for (let turn = 0; taken.length === 0; turn = 1 - turn) {
      const reader = readers[turn]!;
      taken.push(...(await reader.until(reader.subscription.pull(10))));
      await reader.ack(...taken);
    }
    const pulls = readers.map((reader) => reader.subscription.pull(10));
    await world().harness.elapse(50);
    const [id] = await world().publish('a');
    const answers = [await readers[0]!.until(pulls[0]!), await readers[1]!.until(pulls[1]!)];
    expect(answers.flat().map((lease) => lease.id)).toEqual([id]);
  });

  test('each group gets every entry', async () => {
    const first = await world().reader('A');
    const second = await world().reader('A', { group: world().harness.unique('second') });
    await world().publish(...numbers(5));
    const leases = await first.take(5);
    await first.ack(...leases);
    expect((await second.take(5)).map(valueOf)).toEqual(leases.map(valueOf));
  });

  test('an ack in one group says nothing to the other', async () => {
    const first = await world().reader('A');
    const second = await world().reader('A', { group: world().harness.unique('second') });
    await world().publish('a');
    const lease = await second.takeOne();
    await first.ack(await first.takeOne());
    expect(await second.extend(lease)).toEqual(['held']);
    await second.ack(lease);
  });
}
