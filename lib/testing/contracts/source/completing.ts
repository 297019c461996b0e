import { expect } from '../../running/expect.js';
import { port } from '../../running/skipped.js';
import type { Tests } from '../../running/runner.js';
import type { Completions } from '../../../ports/completions.js';
import type { Claim } from '../../../core/completion.js';
import type { Lease } from '../../../core/lease.js';
import { ack, deadLetter, postpone, retry, type Ack } from '../../../core/settlement.js';
import { entry, NEVER, recordFor, type SourceWorld } from '../../world/source-world.js';

const SHORT = 300;

/** What the port `completions` promises, alone and with acknowledgements. */
export function describeCompleting(
  { describe, test, beforeEach }: Tests,
  world: () => SourceWorld,
): void {
  const claimOf = (key: string, owner: string, given: Partial<Claim> = {}): Claim => {
    const { stream, group } = world();
    return { stream, group, handler: 'A.a', key, owner, ...given };
  };

  describe('completions', () => {
    let completions: Completions;
    beforeEach(async () => {
      completions = port(await world().driver(), 'completions');
    });

    test('one of many claims wins; its owner is told that it is his own', async () => {
      const owners = ['A', 'B', 'C', 'D'];
      const outcomes = await completions.claim(
        owners.map((owner) => claimOf('k', owner)),
        NEVER,
      );
      expect(outcomes).toEqual(['claimed', 'held', 'held', 'held']);
      expect(await completions.claim([claimOf('k', 'A'), claimOf('k', 'B')], NEVER)).toEqual([
        'own',
        'held',
      ]);
    });

    test('more than one script takes are claimed and extended in their order', async () => {
      const many = Array.from({ length: 1200 }, (_, n) => claimOf(`k${n}`, n % 2 ? 'A' : 'B'));
      const odd = many.filter((_, n) => n % 2);
      expect(await completions.claim(odd, NEVER)).toEqual(odd.map(() => 'claimed'));
      const others = many.map((claim) => ({ ...claim, owner: 'C' }));
      expect(await completions.claim(others, NEVER)).toEqual(
        many.map((_, n) => (n % 2 ? 'held' : 'claimed')),
      );
      expect(await completions.extend(many, NEVER)).toEqual(many.map((_, n) => n % 2 === 1));
    });

    test('a key of another stream, group or handler is another key', async () => {
      const claims = [
        claimOf('k', 'A'),
        claimOf('k', 'B', { stream: `${world().stream}-2` }),
        claimOf('k', 'B', { group: 'another' }),
        claimOf('k', 'B', { handler: 'A.b' }),
        claimOf('k2', 'B'),
      ];
      expect(await completions.claim(claims, NEVER)).toEqual(claims.map(() => 'claimed'));
    });

    test('names that hold colons are no other names', async () => {
      const claims = [
        claimOf('b:k', 'A', { handler: 'a' }),
        claimOf('k', 'B', { handler: 'a:b' }),
        claimOf('k', 'C', { handler: 'a%3Ab' }),
        claimOf('a:k', 'D', { group: 'g', handler: 'x' }),
        claimOf('k', 'E', { group: 'g', handler: 'x:a' }),
        claimOf('a:k', 'F', { group: 'g:x', handler: 'y' }),
        claimOf('y:a:k', 'G', { group: 'g', handler: 'x' }),
      ];
      expect(await completions.claim(claims, NEVER)).toEqual(claims.map(() => 'claimed'));
    });

    test('what is done or held under the name of version 0.1.0 is so under the new one', async () => {
      const old = (key: string, owner: string) => claimOf(key, owner, { handler: 'Old.name' });
      await completions.complete([{ claim: old('done', 'A'), ttl: NEVER }]);
      await completions.claim([old('held', 'A'), old('own', 'B')], NEVER);
      const now = (key: string) => claimOf(key, 'B', { handler: 'event', formerly: 'Old.name' });
      const claims = ['free', 'done', 'held', 'own'].map(now);
      expect(await completions.claim(claims, NEVER)).toEqual([
        'claimed',
        'done',
        'held',
        'claimed',
      ]);
      await completions.release([old('held', 'A')]);
      expect(await completions.claim([now('held')], NEVER)).toEqual(['claimed']);
      expect(await completions.claim([claimOf('done', 'B', { handler: 'event' })], NEVER)).toEqual([
        'claimed',
      ]);
    });

    test('a claim that is not extended is free after its lease', async () => {
      await completions.claim([claimOf('kept', 'A'), claimOf('left', 'A')], SHORT);
      for (let step = 0; step < 3; step++) {
        await world().harness.elapse(SHORT / 2);
        expect(await completions.extend([claimOf('kept', 'A')], NEVER)).toEqual([true]);
      }
      const others = [claimOf('kept', 'B'), claimOf('left', 'B')];
      expect(await completions.claim(others, NEVER)).toEqual(['held', 'claimed']);
      expect(await completions.extend([claimOf('left', 'A')], NEVER)).toEqual([false]);
    });

    test('only the owner gives a claim back', async () => {
      await completions.claim([claimOf('k', 'A')], NEVER);
      await completions.release([claimOf('k', 'B'), claimOf('other', 'B')]);
      expect(await completions.claim([claimOf('k', 'B')], NEVER)).toEqual(['held']);
      await completions.release([claimOf('k', 'A')]);
      expect(await completions.claim([claimOf('k', 'B')], NEVER)).toEqual(['claimed']);
    });

    test('what is completed stays so for its time, for every owner', async () => {
      const claim = claimOf('k', 'A');
      await completions.claim([claim], NEVER);
      await completions.complete([{ claim: claimOf('k', 'B'), ttl: SHORT }]);
      await completions.release([claim]);
      expect(await completions.extend([claim], NEVER)).toEqual([false]);
      expect(await completions.claim([claim, claimOf('k', 'B')], NEVER)).toEqual(['done', 'done']);
      await world().harness.elapse(2 * SHORT);
      expect(await completions.claim([claim], NEVER)).toEqual(['claimed']);
    });

    const completing = (key: string, given: Partial<Ack> = {}): Ack => ({
      ...ack,
      completes: { claim: claimOf(key, 'A'), ttl: NEVER },
      ...given,
    });
    const isDone = async (key: string) =>
      (await completions.claim([claimOf(key, 'asks')], NEVER))[0] === 'done';

    test('acknowledgements complete their keys, and may be repeated', async () => {
      await world().publish('1', '2', '3');
      const reader = await world().reader('A');
      const [first, second, third] = (await reader.take(3)) as [Lease, Lease, Lease];
      const batch = [
        { lease: first, settlement: completing('1') },
        { lease: second, settlement: ack },
        { lease: third, settlement: completing('3') },
      ];
      const source = await world().source();
      expect(await source.settle(batch)).toEqual(['settled', 'settled', 'settled']);
      expect(await source.settle(batch)).toEqual(['settled', 'settled', 'settled']);
      expect(await Promise.all(['1', '2', '3'].map(isDone))).toEqual([true, false, true]);
      await (await world().reader('B', { idleTimeout: 1 })).expectNothing(200);
    });

    test('the acknowledgement of a redriven message completes its key, too', async () => {
      const deadLetters = port(await world().driver(), 'deadLetters');
      const { stream, group } = world();
      await world().publish('1');
      const reader = await world().reader('A');
      const lost = await reader.takeOne();
      const record = recordFor(lost, group, 'A');
      const source = await world().source();
      const bury = { lease: lost, settlement: deadLetter('unrecoverable'), record } as const;
      expect(await source.settle([bury])).toEqual(['settled']);
      expect(await deadLetters.redrive(stream, { all: true })).toBe(1);
      const back = await reader.takeOne();
      expect(back.redriven).toBe(true);
      expect(await reader.settle(back, completing('1'))).toBe('settled');
      expect(await isDone('1')).toBe(true);
      await (await world().reader('B', { idleTimeout: 1 })).expectNothing(200);
    });

    test('what follows is published by the first completion alone', async () => {
      await world().publish('1', '2');
      const reader = await world().reader('A');
      const leases = await reader.take(2);
      const follower = `${world().stream}-next`;
      const publish = [{ stream: follower, fields: entry('next') }];
      for (const lease of leases) {
        expect(await reader.settle(lease, completing('same', { publish }))).toBe('settled');
      }
      expect(await isDone('same')).toBe(true);
      await world().publishTo(follower, 'end');
      const next = await world().reader('A', { streams: [follower] });
      expect((await next.take(2)).map(({ fields }) => fields![3])).toEqual(['next', 'end']);
    });

    test('a run that lost its entry completes nothing where it wanted to publish', async () => {
      await world().publish('1');
      const { leases } = await world().abandon('A', 1, { idleTimeout: 1 });
      const heir = await world().reader('B', { idleTimeout: 1 });
      await world().harness.elapse(100);
      await heir.take(1);
      const publish = [{ stream: world().stream, fields: entry('next') }];
      const source = await world().source();
      const [outcome] = await source.settle([
        { lease: leases[0]!, settlement: completing('1', { publish }) },
      ]);
      expect(outcome).toBe('lost');
      expect(await isDone('1')).toBe(false);
    });
  });

  describe('a delivery that could not begin', () => {
    test('keeps its runs: one that was counted is taken back', async () => {
      await world().publish('1');
      const reader = await world().reader('A');
      const [lease] = (await reader.take(1)) as [Lease];
      for (let looks = 0; looks < 3; looks++) {
        expect(await reader.settle(lease, postpone(0))).toBe('settled');
        expect(lease).toMatchObject({ attempt: 0, charged: false });
      }
      expect(await reader.subscription.begin(lease)).toBe('started');
      expect(lease).toMatchObject({ attempt: 1, charged: true });
      await reader.settle(lease, retry(0));
      expect(await reader.settle(lease, postpone(0))).toBe('settled');
      expect(lease.attempt).toBe(1);
      expect(await reader.subscription.extend([lease])).toEqual(['held']);
      expect(await reader.subscription.begin(lease)).toBe('started');
      expect(lease.attempt).toBe(2);
    });
  });
}
