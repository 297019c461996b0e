import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RedisConnectionError } from '../../lib/drivers/redis/errors/redis-connection.errors.js';
import type { GroupAdmin } from '../../lib/ports/group-admin.js';
import type { Subscription } from '../../lib/ports/subscription.js';
import { memory } from '../../lib/drivers/memory/index.js';
import type { Publication } from '../../lib/options/publish-options.js';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import { driverWith } from '../support/driver-with.js';
import { World } from '../support/engine.js';
import { inAllSlots } from '../support/in-all-slots.js';

describe('backpressure', () => {
  let world: World;
  let runtime: StreamsRuntime;
  let groups: GroupAdmin;
  let reads = { describe: 0, consumers: 0 };
  const subscriptions: Subscription[] = [];
  beforeEach(() => {
    world = new World();
    reads = { describe: 0, consumers: 0 };
    runtime = runtimeWith((driver) => ({ groups: counted(driver.groups!) }));
    ({ groups } = runtime.driver as { groups: GroupAdmin });
  });
  afterEach(async () => {
    for (const subscription of subscriptions.splice(0)) {
      await subscription.stop();
      await subscription.close();
    }
    await runtime.close();
    await world.close();
  });

  const runtimeWith = (change: Parameters<typeof driverWith>[1]) =>
    new StreamsRuntime({ slots: inAllSlots(driverWith(memory({ broker: world.broker }), change)) });

  const counted = (admin: GroupAdmin): Partial<GroupAdmin> => ({
    create: (...args) => admin.create(...args),
    setPosition: (...args) => admin.setPosition(...args),
    describe: (...args) => {
      reads.describe++;
      return admin.describe(...args);
    },
    consumers: (...args) => {
      reads.consumers++;
      return admin.consumers!(...args);
    },
  });

  /** A group of `orders` with a live consumer, with so many entries not delivered. */
  async function behind(group: string, lag: number): Promise<Subscription> {
    const { source } = runtime.driver;
    const subscription = await source.subscribe({
      ...runtime.options,
      ...{ streams: ['orders'], group, consumer: 'c', startId: '$' },
    });
    subscriptions.push(subscription);
    await source.publish([{ stream: 'orders', fields: ['n', '0'] }]);
    expect(await subscription.pull(1)).toHaveLength(1);
    const entries = Array.from({ length: lag }, () => ({ stream: 'orders', fields: ['n', '1'] }));
    await source.publish(entries);
    return subscription;
  }

  const message = (more: Partial<Publication> = {}): Publication => ({
    ...{ eventType: 'orders', payload: 1, maxLag: 10 },
    ...more,
  });
  const publish = (more?: Partial<Publication>) => runtime.producer.publish(message(more));

  /** Publishes, and answers what has become of it so far. */
  function attempt(more?: Partial<Publication>): { outcome: unknown } {
    const found: { outcome: unknown } = { outcome: 'waiting' };
    publish(more).then(
      () => (found.outcome = 'published'),
      (error: { code: string }) => (found.outcome = error.code),
    );
    return found;
  }

  it('lets publish while the slowest group is not further behind than that', async () => {
    await behind('g', 10);
    expect(await publish()).toMatch(/-/);
    await world.clock.advance(250);
    await expect(publish({ onBackpressure: 'error' })).rejects.toMatchObject({
      ...{ code: 'BACKPRESSURE', stream: 'orders', group: 'g', lag: 11, threshold: 10 },
      message: expect.stringContaining('raise maxLag'),
    });
    expect(await publish({ maxLag: 11 })).toMatch(/-/);
  });

  it('waits until it is not, in order, and lets no more go than there is room for', async () => {
    const consumer = await behind('g', 15);
    const attempts = Array.from({ length: 8 }, () => attempt());
    const published = () => attempts.map(({ outcome }) => (outcome === 'published' ? 1 : 0));
    await world.clock.advance(1000);
    expect(published()).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    await consumer.pull(7);
    await world.clock.advance(250);
    // 8 were behind: 3 more make 11, of which one may be beyond the limit.
    expect(published()).toEqual([1, 1, 1, 0, 0, 0, 0, 0]);
    const late = attempt();
    await consumer.pull(6);
    await world.clock.advance(250);
    expect(published()).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
    expect(late.outcome).toBe('published');
  });

  it('waits no longer than its timeout', async () => {
    await behind('g', 11);
    const [short, usual] = [attempt({ timeout: 700 }), attempt()];
    await world.clock.advance(699);
    expect(short.outcome).toBe('waiting');
    await world.clock.advance(1);
    expect(short.outcome).toBe('BACKPRESSURE');
    await world.clock.advance(29_000);
    expect(usual.outcome).toBe('waiting');
    await world.clock.advance(300);
    expect(usual.outcome).toBe('BACKPRESSURE');
    const [report] = await groups.describe(['orders']);
    expect(report!.length).toBe(12);
  });

  it('fails who waits when it is closed', async () => {
    await behind('g', 11);
    const waiting = attempt();
    await world.settle();
    await runtime.close();
    await world.settle();
    expect(waiting.outcome).toBe('CLOSED');
    expect(attempt().outcome).toBe('waiting');
  });

  it('looks at groups that a consumer works for, or at those that it names', async () => {
    await groups.create('orders', 'abandoned', { startId: '0', createStream: true });
    await behind('g', 5);
    expect(await publish({ maxLag: 5 })).toMatch(/-/);
    const named = { lag: 5, groups: ['abandoned'] };
    await expect(publish({ maxLag: named, onBackpressure: 'error' })).rejects.toMatchObject({
      group: 'abandoned',
      threshold: 5,
    });
    expect(await publish({ maxLag: { lag: 5, groups: ['missing'] } })).toMatch(/-/);
    expect(await publish({ stream: 'nothing', maxLag: 0 })).toMatch(/-/);
    // A consumer that has not asked for a minute does not work.
    await expect(publish({ maxLag: 5, onBackpressure: 'error' })).resolves.toMatch(/-/);
    await world.clock.advance(1000);
    await expect(publish({ maxLag: 5, onBackpressure: 'error' })).rejects.toThrow();
    await world.clock.advance(60_000);
    expect(await publish({ maxLag: 5, onBackpressure: 'error' })).toMatch(/-/);
  });

  it('never blocks where the lag is not known, or the server is away', async () => {
    const report = (groups_: unknown) => async () => [{ groups: groups_ }];
    const away = async () => Promise.reject(new RedisConnectionError('not-sent', 'asking'));
    for (const describeStreams of [
      report([{ name: 'g', lag: null }]),
      report([]),
      async () => [undefined],
      away,
    ]) {
      const odd = runtimeWith(({ groups: admin }) => ({
        groups: { ...admin, describe: describeStreams },
      }));
      expect(await odd.producer.publish(message({ maxLag: 0 }))).toMatch(/-/);
      await odd.close();
    }
  });

  it('remembers nothing of a lag that was not known', async () => {
    let lag: number | null = 15;
    const odd = runtimeWith(() => ({
      groups: { describe: async () => [{ groups: [{ name: 'g', lag }] }] as never },
    }));
    let published = 0;
    const eight = () => {
      for (let n = 0; n < 8; n++) {
        const one = odd.producer.publish(message({ maxLag: { lag: 10, groups: ['g'] } }));
        void one.then(() => published++);
      }
    };
    eight();
    await world.settle();
    lag = null;
    await world.clock.advance(250);
    expect(published).toBe(8);
    lag = 15;
    await world.clock.advance(250);
    for (let n = 0; n < 5; n++) eight();
    await world.settle();
    expect(published).toBe(8);
    lag = 10;
    await world.clock.advance(250);
    // Twice as many as the last time, and not all.
    expect(published).toBe(8 + 16);
    lag = 0;
    await world.clock.advance(1000);
    expect(published).toBe(48);
    await odd.close();
  });

  it('tells of a reading that is refused', async () => {
    const refused = new Error('no right');
    const odd = runtimeWith(() => ({ groups: { describe: () => Promise.reject(refused) } }));
    await expect(odd.producer.publish(message())).rejects.toBe(refused);
    await odd.close();
  });

  it('asks a few times a second, however much is published or waits', async () => {
    await behind('g', 20);
    const attempts: { outcome: unknown }[] = [];
    const before = reads.describe;
    for (let step = 0; step < 20; step++) {
      for (let n = 0; n < 50; n++) {
        attempts.push(attempt({ maxLag: n % 2 === 0 ? 15 : 1_000_000 }));
      }
      await world.clock.advance(100);
    }
    expect(attempts.filter(({ outcome }) => outcome === 'published')).toHaveLength(500);
    expect(reads.describe - before).toBeLessThanOrEqual(10);
    expect(reads.consumers).toBe(1);
  });

  it('costs nothing where no publication asks for it', async () => {
    await behind('g', 20);
    const before = reads.describe;
    await runtime.producer.publish({ eventType: 'orders', payload: 1 });
    await runtime.producer.publishBatch([{ eventType: 'orders', payload: 1 }]);
    expect(reads.describe).toBe(before);
  });

  it('holds up a batch as a whole', async () => {
    const consumer = await behind('g', 11);
    const before = (await groups.describe(['orders']))[0]!.length;
    const batch = [message({ maxLag: undefined as never }), message(), message()];
    await expect(
      runtime.producer.publishBatch(batch.map((one) => ({ ...one, onBackpressure: 'error' }))),
    ).rejects.toMatchObject({ code: 'BACKPRESSURE' });
    expect((await groups.describe(['orders']))[0]!.length).toBe(before);
    const publishing = runtime.producer.publishBatch(batch);
    await world.clock.advance(500);
    await consumer.pull(5);
    await world.clock.advance(250);
    expect(await publishing).toHaveLength(3);
  });

  it('refuses what makes no sense, and drivers that know no lag', async () => {
    const wrong: Partial<Publication>[] = [
      { maxLag: -1 },
      { maxLag: { lag: 1 } as never },
      { onBackpressure: 'drop' as never },
      { timeout: 0 },
    ];
    for (const one of wrong) {
      await expect(publish(one)).rejects.toMatchObject({ code: 'INVALID_MESSAGE' });
    }
    const without = runtimeWith(() => ({ groups: undefined }));
    await expect(without.producer.publish(message())).rejects.toMatchObject({
      code: 'UNSUPPORTED_FEATURE',
    });
    await without.close();
  });
});
