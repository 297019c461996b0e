import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ack, deadLetter, retry } from '../../lib/core/settlement.js';
import { recordFor } from '../../lib/testing/world/source-world.js';
import type { Lease } from '../../lib/core/lease.js';
import type { Driver } from '../../lib/ports/driver.js';
import { publishBytes } from '../support/nats-bytes.js';
import { NatsWorld } from '../support/nats-world.js';
import { needsNats, testNats, type TestNats } from '../support/nats.js';
import { elapse, quiet } from '../support/passing-time.js';
import { until } from '../support/until.js';

describe('reading from NATS', needsNats(), () => {
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

  test('while nothing comes, each stream costs one pull request for each blockTimeout, and no other', async () => {
    const streams = Array.from({ length: 5 }, (_, at) => `${stream}-${at}`);
    const options = { streams, blockTimeout: 500, idleTimeout: 30_000, reclaimInterval: 100 };
    const drainer = world.drainer(driver, await world.subscribe(driver, stream, options));
    // The looks of the beginning.
    await elapse(700);
    const pulls = world.watch('CONSUMER.MSG.NEXT.>');
    const all = async () => (await world.api<{ api: { total: number } }>('INFO')).api.total;
    const before = await all();
    await elapse(3000);
    // Six pull requests of each stream. One more or less where times meet.
    expect(pulls.count).toBeGreaterThanOrEqual(5 * 5);
    expect(pulls.count).toBeLessThanOrEqual(5 * 7);
    // The server does not count pull requests as API requests. The two questions are what is left.
    expect((await all()) - before).toBeLessThanOrEqual(2);
    await drainer.stop();
  });

  test('a consumer that takes nothing asks for nothing, and gives back what waits for it', async () => {
    const streams = [stream, `${stream}-b`];
    await world.publish(driver, streams[0]!, 'a1', 'a2', 'a3');
    await world.publish(driver, streams[1]!, 'b1', 'b2', 'b3');
    const options = { streams, idleTimeout: 400, blockTimeout: 200, reclaimInterval: 10_000 };
    const subscription = await world.subscribe(driver, stream, options);
    const taken = await subscription.pull(1);
    const pending = async () => {
      const durables = await Promise.all(streams.map((one) => world.durable(one)));
      return durables.reduce((sum, one) => sum + one.num_ack_pending, 0);
    };
    await until('some wait here', async () => (await pending()) > taken.length);
    const peer = world.driver();
    const peers = await world.subscribe(peer, stream, { ...options, consumer: 'peer' });
    const drainer = world.drainer(peer, peers);
    const held = new Set(taken.map((lease) => lease.fields![3]!));
    const extending = setInterval(() => void subscription.extend(taken), 50);
    await until('the peer has the others', () => drainer.seen.size >= 6 - held.size);
    clearInterval(extending);
    for (const value of held) expect(drainer.seen.has(value)).toBe(false);
    await drainer.stop();
    await driver.source.settle(taken.map((lease) => ({ lease, settlement: ack })));
  });

  test('what waits here is bounded by the limit, however many streams have messages', async () => {
    const streams = Array.from({ length: 20 }, (_, at) => `${stream}-${at}`);
    for (const one of streams) {
      await world.publish(driver, one, ...Array.from({ length: 50 }, (_, at) => String(at)));
    }
    const options = { streams, idleTimeout: 5000, blockTimeout: 500 };
    const subscription = await world.subscribe(driver, stream, options);
    const taken = [];
    while (taken.length < 30) taken.push(...(await subscription.pull(10)));
    await quiet(300);
    const durables = await Promise.all(streams.map((one) => world.durable(one)));
    const pending = durables.reduce((sum, one) => sum + one.num_ack_pending, 0);
    // At most a limit that busy streams share, one that idle streams share, and one each.
    expect(pending - taken.length).toBeLessThanOrEqual(10 + 10 + streams.length);
  });

  test('stopping gives back what was read and not taken, and counts no run', async () => {
    const streams = [stream, `${stream}-b`];
    for (const one of streams) await world.publish(driver, one, '1', '2', '3', '4');
    const options = { streams, idleTimeout: 60_000, blockTimeout: 200 };
    const subscription = await world.subscribe(driver, stream, options);
    const taken = await subscription.pull(1);
    await quiet(100);
    await subscription.stop();
    const peer = world.driver();
    const peers = await world.subscribe(peer, stream, { ...options, consumer: 'peer' });
    const leases = [];
    while (leases.length < 7) leases.push(...(await peers.pull(10)));
    for (const lease of leases) {
      if (!lease.charged) expect(lease.attempt).toBe(0);
      expect(lease.id).not.toBe(taken[0]!.id);
    }
  });

  test('a request that the server has lost is noticed', async () => {
    const subscription = await world.subscribe(driver, stream, { blockTimeout: 300 });
    const drainer = world.drainer(driver, subscription);
    await until('it waits', async () => (await world.durable(stream)).num_waiting > 0);
    // The server forgets all requests, and does not say so.
    await server.server.restart();
    await world.publish(driver, stream, 'a');
    await until('it came', () => drainer.seen.has('a'));
    await drainer.stop();
    // What is published by a connection that is about to break is lost, for the test after this one.
    await until('the client of the tests is back', () =>
      server.client.flush().then(
        () => true,
        () => false,
      ),
    );
  });

  test('messages of other programs are read, and those of this driver by others', async () => {
    const subscription = await world.subscribe(driver, stream);
    server.client.publish(stream, '{"n":1}');
    let lease: Lease | undefined;
    await until('it came', async () => {
      [lease] = await subscription.pull(1);
      return lease !== undefined;
    });
    expect(lease).toMatchObject({ charged: true, attempt: 1, fields: ['payload', '{"n":1}'] });
    const read = server.client.subscribe(stream, { max: 1 });
    await server.client.flush();
    await world.publish(driver, stream, '{"n":2}');
    for await (const message of read) {
      expect(message.string()).toBe('{"n":2}');
      expect(message.headers?.get('event_type')).toBe('e');
    }
  });

  describe('what other programs write', () => {
    const send = (headers: string, body: string) =>
      publishBytes(server.server.port, stream, headers, body);

    test('headers that are none leave the body, and hold up nothing', async () => {
      await world.publish(driver, stream, 'before');
      const subscription = await world.subscribe(driver, stream);
      await subscription.pull(1);
      await send('a: x\ny', '{"n":1}');
      await world.publish(driver, stream, 'after');
      const leases = [...(await subscription.pull(2))];
      while (leases.length < 2) leases.push(...(await subscription.pull(2)));
      expect(leases.map(({ fields }) => fields!.slice(-2))).toEqual([
        ['payload', '{"n":1}'],
        ['payload', 'after'],
      ]);
      expect(leases[0]!.fields).toHaveLength(2);
      // Also where it is fetched again.
      const [first] = leases;
      expect(await driver.source.settle([{ lease: first!, settlement: retry(0) }])).toEqual([
        'settled',
      ]);
      expect(await subscription.begin(first!)).toBe('started');
      expect(first!.fields).toEqual(['payload', '{"n":1}']);
    });

    test('a redriven message that is none is told of once, stays, and holds up nothing', async () => {
      const errors = world.record('worker-error');
      await world.publish(driver, stream, 'a', 'b');
      const subscription = await world.subscribe(driver, stream);
      const [lease, other] = [...(await subscription.pull(2)), ...(await subscription.pull(1))];
      const record = recordFor(lease!, 'g', 'c');
      const dead = { lease: lease!, settlement: deadLetter('unrecoverable'), record };
      expect(await driver.source.settle([dead])).toEqual(['settled']);
      expect(await driver.deadLetters!.redrive(stream, { all: true })).toBe(1);
      await until(
        'the redriven one',
        async () => (await subscription.pull(1))[0]?.redriven === true,
      );
      server.client.publish(`_streams.=.redriven.${stream}.g.77`, 'no letter');
      await until('it is told', async () => {
        await subscription.pull(1);
        return errors.length > 0;
      });
      expect(errors.map(({ error }) => error.message)).toEqual([
        expect.stringContaining('cannot be read'),
      ]);
      expect(await subscription.extend([other!])).toEqual(['held']);
      const { state } = await world.api<{ state: { messages: number } }>(
        'STREAM.INFO.streams-redriven',
      );
      expect(state.messages).toBe(2);
    });

    test('a limit of the server for one request is kept', async () => {
      await (await world.subscribe(driver, stream)).close();
      const { config } = await world.durable(stream);
      const limited = {
        stream_name: stream,
        config: { ...config, max_batch: 3 },
        action: 'update',
      };
      await world.api(`CONSUMER.CREATE.${stream}.g.${stream}`, limited);
      const errors = world.record('worker-error');
      const drainer = world.drainer(driver, await world.subscribe(driver, stream));
      const values = Array.from({ length: 20 }, (_, at) => String(at));
      await world.publish(driver, stream, ...values);
      await until('all came', () => drainer.seen.size === 20);
      await drainer.stop();
      expect(errors.map(({ error }) => error.message)).toEqual([
        expect.stringContaining('MaxRequestBatch of 3'),
      ]);
    });
  });
});
