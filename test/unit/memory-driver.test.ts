import { describe, expect, test } from 'vitest';
import { systemClock } from '../../lib/core/clock.js';
import { ClosedError, InvalidOptionsError } from '../../lib/core/errors/start-up.errors.js';
import { EventBus } from '../../lib/core/event-bus.js';
import type { Lease } from '../../lib/core/lease.js';
import { ack } from '../../lib/core/settlement.js';
import type { SubscribeOptions } from '../../lib/ports/subscription.js';
import { ManualClock, memory, MemoryBroker } from '../../lib/drivers/memory/index.js';
import { entry, valueOf } from '../../lib/testing/world/source-world.js';

/** What is the memory driver's own, beyond the contract that every driver passes. */
function connect(options: Parameters<typeof memory>[0] = {}) {
  const clock = new ManualClock(1000);
  const events = new EventBus();
  const factory = memory({ clock, ...options });
  const driver = factory.open({ events, keyPrefix: '' });
  const { source } = driver;
  return {
    clock,
    events,
    factory,
    driver,
    source,
    publish: (...values: string[]) =>
      source.publish(values.map((value) => ({ stream: 's', fields: entry(value) }))),
    subscribe: (consumer: string, more: Partial<SubscribeOptions> = {}) =>
      source.subscribe({
        streams: ['s'],
        group: 'g',
        consumer,
        startId: '0',
        blockTimeout: 5000,
        idleTimeout: 30_000,
        reclaimInterval: 5000,
        ...more,
      }),
    ack: (leases: readonly Lease[]) =>
      source.settle(leases.map((lease) => ({ lease, settlement: ack }))),
  };
}

describe('memory()', () => {
  test('has data of its own, which everything opened from it shares', async () => {
    const one = connect();
    await one.publish('a');
    const shared = one.factory.open({ events: new EventBus(), keyPrefix: '' });
    await shared.state!.set('k', 'v');
    expect(await one.driver.state!.get('k')).toBe('v');
    const other = await connect().subscribe('A');
    const same = await one.subscribe('A');
    expect((await same.pull(10)).map(valueOf)).toEqual(['a']);
    const pulling = other.pull(10);
    await other.stop();
    expect(await pulling).toEqual([]);
  });

  test('shares a broker that it is given, and its clock', async () => {
    const broker = new MemoryBroker(new ManualClock(7000));
    const one = connect({ broker });
    const other = connect({ broker });
    expect(await one.publish('a')).toEqual(['7000-0']);
    expect((await (await other.subscribe('A')).pull(10)).map(valueOf)).toEqual(['a']);
    expect(one.factory.clock).toBe(broker.clock);
    expect(one.driver.unwrap!()).toBe(broker);
  });

  test("names a clock only where it is not the system's", () => {
    expect(memory()).not.toHaveProperty('clock');
    expect(memory({ clock: systemClock })).not.toHaveProperty('clock');
    const clock = new ManualClock();
    expect(memory({ clock }).clock).toBe(clock);
  });
});

describe('ids', () => {
  test('are those of Redis: the time and a sequence', async () => {
    const { clock, publish } = connect();
    expect(await publish('a', 'b')).toEqual(['1000-0', '1000-1']);
    await clock.advance(5);
    expect(await publish('c')).toEqual(['1005-0']);
  });

  test('rise also where the clock goes back', async () => {
    let now = 5000.7;
    const { publish } = connect({ clock: { ...systemClock, wallTime: () => now } });
    expect(await publish('a')).toEqual(['5000-0']);
    now = 4000;
    expect(await publish('b')).toEqual(['5000-1']);
    now = 5001;
    expect(await publish('c')).toEqual(['5001-0']);
  });
});

describe('waiting readers', () => {
  test('are served longest waiting first', async () => {
    const { publish, subscribe } = connect();
    const [first, second] = [await subscribe('A'), await subscribe('B')];
    const order: string[] = [];
    const pull = async (name: string, from: typeof first) => {
      const leases = await from.pull(1);
      order.push(`${name} ${valueOf(leases[0]!)}`);
    };
    const earlier = pull('B', second);
    const later = pull('A', first);
    await publish('1');
    await earlier;
    const again = pull('B', second);
    await publish('2', '3');
    await Promise.all([later, again]);
    expect(order).toEqual(['B 1', 'A 2', 'B 3']);
  });

  test('get a published batch at once', async () => {
    const { publish, subscribe } = connect();
    const pulling = (await subscribe('A')).pull(2);
    await publish('a', 'b', 'c');
    expect((await pulling).map(valueOf)).toEqual(['a', 'b']);
  });

  test('may not pull twice at a time', async () => {
    const subscription = await connect().subscribe('A');
    const pulling = subscription.pull(1);
    await expect(subscription.pull(1)).rejects.toThrow('under way');
    await subscription.stop();
    expect(await pulling).toEqual([]);
  });

  test('do not starve a quiet stream beside a busy one', async () => {
    const { publish, source, subscribe } = connect();
    await publish(...Array.from({ length: 100 }, String));
    await source.publish([{ stream: 'quiet', fields: entry('q') }]);
    const subscription = await subscribe('A', { streams: ['s', 'quiet'] });
    const leases: Lease[] = [];
    for (let turn = 0; turn < 4; turn++) leases.push(...(await subscription.pull(1)));
    expect(leases.map(({ stream }) => stream)).toContain('quiet');
  });

  test('see a reclaim only at the tick', async () => {
    const { clock, publish, subscribe } = connect();
    await publish('a');
    await (await subscribe('A')).pull(1);
    const peer = await subscribe('B', { idleTimeout: 1000, blockTimeout: 60_000 });
    const pulling = peer.pull(1);
    let answered = false;
    void pulling.then(() => (answered = true));
    await clock.advance(4999);
    expect(answered).toBe(false);
    await clock.advance(1);
    expect(await pulling).toMatchObject([
      { attempt: 1, charged: false, fields: expect.any(Array) },
    ]);
  });
});

describe('the next pull', () => {
  test('waits for its own blockTimeout', async () => {
    const { clock, publish, subscribe } = connect();
    const subscription = await subscribe('A', { blockTimeout: 1000 });
    const first = subscription.pull(1);
    await clock.advance(600);
    await publish('a');
    await first;
    let answered = false;
    const second = subscription.pull(1).then(() => (answered = true));
    await clock.advance(600);
    expect(answered).toBe(false);
    await clock.advance(400);
    await second;
  });

  test('goes on with a reclaim that the limit cut short', async () => {
    const { clock, publish, subscribe } = connect();
    await publish('a', 'b', 'c');
    await (await subscribe('A')).pull(3);
    const peer = await subscribe('B', { idleTimeout: 1000, blockTimeout: 10_000 });
    const pulling = peer.pull(2);
    await clock.advance(5000);
    expect(await pulling).toHaveLength(2);
    expect(await peer.pull(2)).toHaveLength(1);
  });

  test('takes up at the tick what an earlier process of this name had read', async () => {
    const { clock, publish, subscribe } = connect();
    await publish('a');
    const earlier = await subscribe('A');
    await earlier.pull(1);
    await earlier.close();
    const again = (await subscribe('A', { blockTimeout: 10_000 })).pull(1);
    await clock.advance(5000);
    expect(await again).toMatchObject([{ attempt: 1, charged: false }]);
  });

  test('has what is redriven while it waits, at once', async () => {
    const { driver, subscribe } = connect();
    const pulling = (await subscribe('A')).pull(1);
    const record = { stream: 's', id: '7-0', group: 'g', consumer: 'x', attempts: 1, reason: 'r' };
    const at = '2025-01-01T00:00:00.000Z';
    const times = { publishedAt: at, deadLetteredAt: at };
    await driver.deadLetters!.put({ ...record, ...times }, entry('v'));
    await driver.deadLetters!.redrive('s', { all: true });
    expect(await pulling).toMatchObject([{ id: '7-0', attempt: 1, redriven: true }]);
  });
});

describe('events', () => {
  test('tell adopting, reclaiming and dropping apart', async () => {
    const { clock, driver, events, publish, subscribe } = connect();
    const seen: unknown[] = [];
    for (const name of ['adopted', 'reclaimed', 'trimmed'] as const) {
      events.on(name, (event) => seen.push([name, event]));
    }
    await publish('mine', 'theirs', 'gone');
    const earlier = await subscribe('A');
    await earlier.pull(1);
    await earlier.close();
    await (await subscribe('B')).pull(2);
    (driver.unwrap!() as MemoryBroker).deleteEntry('s', '1000-2');
    const again = await subscribe('A', { idleTimeout: 1000, reclaimInterval: 1000 });
    const pulling = again.pull(10);
    await clock.advance(1000);
    expect((await pulling).map(({ id }) => id)).toEqual(['1000-0', '1000-1']);
    const where = { stream: 's', group: 'g', count: 1 };
    expect(seen).toEqual([
      ['adopted', where],
      ['reclaimed', where],
      ['trimmed', where],
    ]);
  });
});

describe('memory used', () => {
  test('settled entries beyond the last thousand or two are forgotten', async () => {
    const { ack: settle, publish, subscribe } = connect();
    const reader = await subscribe('A');
    for (let round = 0; round < 100; round++) {
      await publish(...Array.from({ length: 100 }, (_, index) => String(round * 100 + index)));
      await settle(await reader.pull(100));
    }
    const later = await subscribe('A', { group: 'later' });
    const kept = await later.pull(10_000);
    expect(kept.length).toBeGreaterThanOrEqual(1000);
    expect(kept.length).toBeLessThan(3000);
    expect(valueOf(kept.at(-1)!)).toBe('9999');
  });

  test('what one group still needs is kept, and is settled as ever', async () => {
    const { ack: settle, publish, subscribe } = connect();
    const reader = await subscribe('A');
    const slow = await subscribe('S', { group: 'slow' });
    await publish(...Array.from({ length: 5000 }, (_, index) => String(index)));
    const [pinned, ...rest] = await slow.pull(4000);
    await settle(rest);
    await settle(await reader.pull(5000));
    expect(await slow.extend([pinned!])).toEqual(['held']);
    const last = await slow.pull(5000);
    expect(last.map(valueOf)).toEqual(Array.from({ length: 1000 }, (_, at) => String(4000 + at)));
    expect(await settle([...last, pinned!])).toEqual(Array(1001).fill('settled'));
  });

  test('a stream without groups keeps everything', async () => {
    const { publish, subscribe } = connect();
    await publish(...Array.from({ length: 5000 }, (_, index) => String(index)));
    expect(await (await subscribe('A')).pull(10_000)).toHaveLength(5000);
  });

  test('a key that is remembered from a later time on leaves others theirs', async () => {
    const { driver, source } = connect();
    const once = (key: string) => ({
      stream: 's',
      fields: entry(key),
      idempotency: { key, window: 1000 },
    });
    const [first] = await source.publish([once('first')]);
    for (let at = 0; at < 200; at++) {
      await driver.delays!.schedule([{ ...once(`later-${at}`), when: { in: 60_000 } }]);
    }
    expect(await source.publish([once('first')])).toEqual([first]);
  });

  test('expired state goes by itself', async () => {
    const { clock, driver } = connect();
    const broker = driver.unwrap!() as MemoryBroker;
    for (let round = 0; round < 50; round++) {
      for (let key = 0; key < 100; key++) await driver.state!.set(`${round}-${key}`, 'v', 1000);
      await clock.advance(1000);
    }
    expect(broker.state.size).toBeLessThan(500);
  });
});

describe('misuse', () => {
  test('a closed driver says so', async () => {
    const { ack: settle, publish, source, subscribe } = connect();
    await publish('a');
    const leases = await (await subscribe('A')).pull(1);
    await source.close();
    expect(await publish('b')).toEqual([expect.any(ClosedError)]);
    expect(await settle(leases)).toEqual([expect.any(ClosedError)]);
    await expect(subscribe('B')).rejects.toThrow(ClosedError);
  });

  test('closing the source ends its waiting readers', async () => {
    const { source, subscribe } = connect();
    const pulling = (await subscribe('A')).pull(1);
    await source.close();
    expect(await pulling).toEqual([]);
  });

  test("another driver's lease is refused", async () => {
    const { ack: settle, subscribe } = connect();
    const alien = { stream: 's', id: '1-0', attempt: 1, charged: true } as Lease;
    expect(await settle([alien])).toEqual([expect.any(TypeError)]);
    await expect((await subscribe('A')).begin(alien)).rejects.toThrow(TypeError);
  });

  test.each(['', 'x', '1-2-3', '-1'])('startId %j is refused', async (startId) => {
    await expect(connect().subscribe('A', { startId })).rejects.toThrow(InvalidOptionsError);
  });
});
