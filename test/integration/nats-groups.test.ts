import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Lease } from '../../lib/core/lease.js';
import type { NatsLease } from '../../lib/drivers/nats/leases/nats.lease.js';
import type { Driver } from '../../lib/ports/driver.js';
import type { Subscription } from '../../lib/ports/subscription.js';
import { ack, deadLetter } from '../../lib/core/settlement.js';
import { recordFor } from '../../lib/testing/world/source-world.js';
import { NatsWorld } from '../support/nats-world.js';
import { needsNats, testNats, type TestNats } from '../support/nats.js';
import { elapse, quiet } from '../support/passing-time.js';
import { until } from '../support/until.js';

const MANY = 400;
const NANOSECONDS = 1_000_000;

describe('groups of NATS', needsNats(), () => {
  let server: TestNats;
  let world: NatsWorld;
  let driver: Driver;
  let stream: string;
  let made = 0;
  beforeAll(async () => {
    server = await testNats();
  });
  afterAll(() => server.cleanup());
  beforeEach(() => {
    world = new NatsWorld(server);
    driver = world.driver();
    stream = `orders-${++made}`;
  });
  afterEach(() => world.close());

  /** Publishes so many messages, and does something to the server in the middle. Returns the payloads. */
  async function load(count: number, meanwhile: () => Promise<unknown>): Promise<string[]> {
    const values = Array.from({ length: count }, (_, at) => `v${at}`);
    const published: string[] = [];
    for (const [at, value] of values.entries()) {
      if (at === count / 2) await meanwhile();
      await world.publish(driver, stream, value);
      published.push(value);
    }
    return published;
  }

  test('a changed idleTimeout is changed on the server, and the place in the stream is not', async () => {
    const [first, second] = await world.publish(driver, stream, 'a', 'b');
    const before = await world.subscribe(driver, stream, { idleTimeout: 3000 });
    const [lease] = await before.pull(1);
    expect(lease!.id).toBe(first);
    await driver.source.settle([{ lease: lease!, settlement: ack }]);
    await before.close();
    expect((await world.durable(stream)).config).toMatchObject({ ack_wait: 3000 * NANOSECONDS });
    const after = await world.subscribe(driver, stream, { idleTimeout: 700, startId: '0' });
    expect((await after.pull(10)).map(({ id }) => id)).toEqual([second]);
    expect((await world.durable(stream)).config).toMatchObject({
      ...{ ack_wait: 700 * NANOSECONDS, deliver_policy: 'all' },
      ...{ ack_policy: 'explicit', max_deliver: -1, max_ack_pending: -1, filter_subject: stream },
    });
  });

  test.each([
    ['max_ack_pending', { max_ack_pending: 7 }],
    ['max_deliver', { max_deliver: 3 }],
  ])('a durable whose %s others have changed is put right', async (_, changed) => {
    await (await world.subscribe(driver, stream)).close();
    const { config } = await world.durable(stream);
    const request = { stream_name: stream, config: { ...config, ...changed }, action: 'update' };
    await world.api(`CONSUMER.CREATE.${stream}.g.${stream}`, request);
    expect((await world.durable(stream)).config).toMatchObject(changed);
    await world.subscribe(driver, stream);
    expect((await world.durable(stream)).config).toEqual(config);
  });

  test('a durable of another program that acknowledges nothing is an error that names the setting', async () => {
    await world.publish(driver, stream, 'a');
    const config = { durable_name: 'g', ack_policy: 'none', filter_subject: stream };
    const request = { stream_name: stream, config, action: 'create' };
    await world.api(`CONSUMER.CREATE.${stream}.g.${stream}`, request);
    const unreadable = world.record('stream-unreadable');
    const subscribing = world.subscribe(driver, stream);
    await expect(subscribing).rejects.toMatchObject({ code: 'NATS_STREAM_SETTINGS' });
    await expect(subscribing).rejects.toThrow('ack_policy is "none", not "explicit"');
    expect(unreadable).toEqual([]);
  });

  test('a shorter idleTimeout is announced to consumers that read, and holds for them from then on', async () => {
    const ids = await world.publish(driver, stream, 'a', 'b');
    const old = await world.subscribe(driver, stream, { idleTimeout: 30_000, consumer: 'old' });
    const [lease] = await old.pull(1);
    expect(lease!.id).toBe(ids[0]);
    const other = world.driver();
    const fresh = await world.subscribe(other, stream, { idleTimeout: 2000, consumer: 'new' });
    const durable = await world.durable(stream);
    expect(durable.config).toMatchObject({
      ack_wait: 30_000 * NANOSECONDS,
      metadata: { 'nestjs-redis-streams-ack-wait': expect.stringMatching(/^2000@/) },
    });
    expect((lease as NatsLease).reading.ackWait).toBe(30_000);
    await world.publish(driver, stream, 'c');
    await old.pull(1);
    await until('the old one knows', () => (lease as NatsLease).reading.ackWait === 2000);
    expect((lease as NatsLease).freshUntil).toBeLessThan(performance.now() + 2000);
    // Later all have had time to look.
    const metadata = {
      ...(durable.config['metadata'] as object),
      'nestjs-redis-streams-ack-wait': '2000@2020-01-01T00:00:00Z',
    };
    const config = { ...durable.config, metadata };
    const request = { stream_name: stream, config, action: 'update' };
    await world.api(`CONSUMER.CREATE.${stream}.g.${stream}`, request);
    const drainer = world.drainer(other, fresh);
    await world.publish(driver, stream, 'd');
    await until('it is lowered', async () => {
      return (await world.durable(stream)).config['ack_wait'] === 2000 * NANOSECONDS;
    });
    await drainer.stop();
  });

  test('two versions side by side with another idleTimeout do not change it back and forth', async () => {
    await world.publish(driver, stream, 'a', 'b');
    const old = await world.subscribe(driver, stream, { idleTimeout: 2000, consumer: 'old' });
    await old.pull(1);
    const fresh = await world.subscribe(world.driver(), stream, {
      ...{ idleTimeout: 5000, consumer: 'new' },
    });
    const changes = world.watch('CONSUMER.CREATE.>');
    for (let round = 0; round < 3; round++) await Promise.all([old.pull(1), fresh.pull(1)]);
    await quiet(500);
    expect((await world.durable(stream)).config).toMatchObject({ ack_wait: 5000 * NANOSECONDS });
    expect(changes.count).toBe(0);
  });

  test('a durable that others delete under load is made again: nothing is lost, and it is told', async () => {
    const recreated = world.record('group-recreated');
    const drainers = await Promise.all(
      ['a', 'b'].map(async (consumer) => {
        const own = world.driver();
        return world.drainer(own, await world.subscribe(own, stream, { consumer }));
      }),
    );
    const published = await load(MANY, () => world.deleteDurable(stream));
    const seen = () => new Set(drainers.flatMap((one) => [...one.seen.keys()]));
    await until('all were handled', () => seen().size === MANY);
    expect([...seen()].toSorted()).toEqual(published.toSorted());
    for (const drainer of drainers) await drainer.stop();
    expect(recreated.length).toBeGreaterThanOrEqual(1);
    expect(recreated[0]).toMatchObject({ stream, group: 'g' });
    expect((await world.durable(stream)).num_ack_pending).toBe(0);
  });

  test('a durable that others delete is made again behind what was noted', async () => {
    const subscription = await world.subscribe(driver, stream, { reclaimInterval: 50 });
    const drainer = world.drainer(driver, subscription);
    const values = Array.from({ length: 20 }, (_, at) => `v${at}`);
    const ids = await world.publish(driver, stream, ...values);
    await until('all were handled', () => drainer.seen.size === 20);
    const noted = async (): Promise<{ settledUpTo?: number }> => {
      const { message } = await world.api<{ message: { data: string } }>(
        'STREAM.MSG.GET.KV_streams-groups',
        { last_by_subj: `$KV.streams-groups.${stream}.g` },
      );
      return JSON.parse(Buffer.from(message.data, 'base64').toString()) as object;
    };
    await until('it is noted', async () => (await noted()).settledUpTo === Number(ids.at(-1)));
    const { created } = await world.durable(stream);
    await world.deleteDurable(stream);
    await world.publish(driver, stream, 'next');
    await until('the next one', () => drainer.seen.has('next'));
    await drainer.stop();
    expect(drainer.repeated).toBe(0);
    const again = await world.durable(stream);
    expect(again.created).not.toBe(created);
    expect(again.config).toMatchObject({ opt_start_seq: Number(ids.at(-1)) + 1 });
  });

  test('a stream that others delete under load is made again: what is published then is handled', async () => {
    const recreated = world.record('group-recreated');
    const lost = world.record('data-loss-suspected');
    const drainer = world.drainer(driver, await world.subscribe(driver, stream));
    const [before] = await world.publish(driver, stream, 'first');
    await until('the first', () => drainer.seen.has('first'));
    const published = await load(MANY, () => world.api(`STREAM.DELETE.${stream}`));
    const later = published.slice(MANY / 2);
    await until('all later ones', () => later.every((value) => drainer.seen.has(value)));
    await drainer.stop();
    expect(recreated).toEqual([{ stream, group: 'g', from: '0' }]);
    expect(lost).toMatchObject([{ stream, group: 'g', after: '0' }]);
    expect(Number(lost[0]!.upTo)).toBeGreaterThanOrEqual(Number(before));
    expect(drainer.repeated).toBe(0);
    // Ids never come twice.
    const [id] = await world.publish(driver, stream, 'last');
    expect(Number(id)).toBeGreaterThan(Number(lost[0]!.upTo));
  });

  test('a group that was deleted on purpose stays deleted, though its durable is missing all the time', async () => {
    await world.publish(driver, stream, 'a');
    const subscription = await world.subscribe(driver, stream);
    await driver.groups!.delete(stream, 'g');
    await subscription.pull(1);
    await quiet(500);
    await expect(world.durable(stream)).rejects.toThrow('not found');
    await driver.groups!.create(stream, 'g', { startId: '0', createStream: false });
    await until('it reads on', async () => (await subscription.pull(1)).length === 1);
  });

  describe('a stream that others delete, and make again with the same numbers', () => {
    const foreign = (): object => ({ name: stream, subjects: [stream] });

    /** Sends so many messages as another program. */
    async function send(from: number, to: number): Promise<void> {
      for (let at = from; at < to; at++) server.client.publish(stream, `m${at}`);
      await server.client.flush();
    }
    const payloads = (leases: readonly Lease[]) => leases.map(({ fields }) => fields!.at(-1)!);
    async function take(subscription: Subscription, count: number): Promise<Lease[]> {
      const leases: Lease[] = [];
      await until(`${count} came`, async () => {
        leases.push(...(await subscription.pull(count - leases.length)));
        return leases.length === count;
      });
      return leases;
    }

    test('is read from its beginning, and what was held before acknowledges nothing of it', async () => {
      const lost = world.record('data-loss-suspected');
      await world.api(`STREAM.CREATE.${stream}`, foreign());
      await send(0, 5);
      const subscription = await world.subscribe(driver, stream);
      const held = await take(subscription, 5);
      await elapse(100);
      // The server answers one after the other: the consumer does not make the stream in between.
      await Promise.all([
        world.api(`STREAM.DELETE.${stream}`),
        world.api(`STREAM.CREATE.${stream}`, foreign()),
      ]);
      await send(10, 15);
      const again = await take(subscription, 5);
      expect(payloads(again)).toEqual(['m10', 'm11', 'm12', 'm13', 'm14']);
      const settlings = held.map((lease) => ({ lease, settlement: ack }) as const);
      expect(await driver.source.settle(settlings)).toEqual(held.map(() => 'settled'));
      await server.client.flush();
      expect((await world.durable(stream)).num_ack_pending).toBe(5);
      expect(lost).toMatchObject([{ stream, group: 'g', after: '0', upTo: '5' }]);
    });

    test('while no consumer ran, is read from its beginning, and it is told', async () => {
      const recreated = world.record('group-recreated');
      const lost = world.record('data-loss-suspected');
      await world.api(`STREAM.CREATE.${stream}`, foreign());
      await send(0, 20);
      const drainer = world.drainer(driver, await world.subscribe(driver, stream));
      const noted = async (): Promise<unknown> => {
        const { message } = await world.api<{ message: { data: string } }>(
          'STREAM.MSG.GET.KV_streams-groups',
          { last_by_subj: `$KV.streams-groups.${stream}.g` },
        );
        return (
          JSON.parse(Buffer.from(message.data, 'base64').toString()) as { settledUpTo?: number }
        ).settledUpTo;
      };
      await until('it is noted', async () => (await noted()) === 20);
      await drainer.stop();
      await world.api(`STREAM.DELETE.${stream}`);
      await elapse(100);
      await world.api(`STREAM.CREATE.${stream}`, foreign());
      await send(100, 125);
      const other = world.driver();
      const subscription = await world.subscribe(other, stream);
      expect(payloads(await take(subscription, 25)).slice(0, 2)).toEqual(['m100', 'm101']);
      expect(recreated).toEqual([{ stream, group: 'g', from: '0' }]);
      expect(lost).toEqual([{ stream, group: 'g', after: '0', upTo: '20' }]);
    });
  });

  test("a running consumer that began at '$' misses nothing after the server has lost everything", async () => {
    const recreated = world.record('group-recreated');
    await world.publish(driver, stream, 'skipped');
    const drainer = world.drainer(driver, await world.subscribe(driver, stream, { startId: '$' }));
    await world.publish(driver, stream, 'a');
    await until('it came', () => drainer.seen.has('a'));
    await elapse(100);
    // As a server without its data, where a publisher is quicker than the consumer.
    await world.api('STREAM.DELETE.KV_streams-groups');
    await Promise.all([
      world.api(`STREAM.DELETE.${stream}`),
      world.publish(driver, stream, 'lost?').catch(() => undefined),
    ]);
    await world.publish(driver, stream, 'b', 'c');
    await until('all came', () => drainer.seen.has('c'));
    expect(drainer.seen.has('b')).toBe(true);
    expect(drainer.seen.has('skipped')).toBe(false);
    expect(recreated).toEqual([{ stream, group: 'g', from: '0' }]);
    await drainer.stop();
  });

  test('a move that a dying process has left half done is finished by the next start', async () => {
    const ids = await world.publish(driver, stream, 'a', 'b', 'c');
    await (await world.subscribe(driver, stream)).close();
    const key = `$KV.streams-groups.${stream}.g`;
    const moved = { startId: Number(ids[1]), epoch: 9, streamMade: undefined };
    await world.api('STREAM.INFO.KV_streams-groups');
    await server.client.request(key, JSON.stringify(moved));
    const subscription = await world.subscribe(driver, stream);
    expect((await subscription.pull(10)).map(({ id }) => id)).toEqual([ids[2]]);
  });

  test('a group that was deleted gets nothing that is redriven', async () => {
    await world.publish(driver, stream, 'a');
    const subscription = await world.subscribe(driver, stream);
    const [lease] = await subscription.pull(1);
    const record = recordFor(lease!, 'g', 'c');
    const dead = { lease: lease!, settlement: deadLetter('unrecoverable'), record };
    expect(await driver.source.settle([dead])).toEqual(['settled']);
    await driver.groups!.delete(stream, 'g');
    await driver.deadLetters!.redrive(stream, { all: true });
    expect(await subscription.pull(1)).toEqual([]);
    await quiet(300);
    expect(await subscription.pull(1)).toEqual([]);
    await expect(world.api(`CONSUMER.INFO.streams-redriven.${stream}_g`)).rejects.toThrow(
      'not found',
    );
  });

  test('records of groups that others delete are written again', async () => {
    await world.publish(driver, stream, 'a');
    const drainer = world.drainer(driver, await world.subscribe(driver, stream));
    await until('it came', () => drainer.seen.has('a'));
    await world.api('STREAM.PURGE.KV_streams-groups');
    const [, last] = await world.publish(driver, stream, 'b', 'c');
    await until('it is noted', async () => {
      const found = await world
        .api<{ message: { data: string } }>('STREAM.MSG.GET.KV_streams-groups', {
          last_by_subj: `$KV.streams-groups.${stream}.g`,
        })
        .catch(() => undefined);
      const text = Buffer.from(found?.message.data ?? '', 'base64').toString();
      return text.includes(last!);
    });
    await drainer.stop();
  });
});
