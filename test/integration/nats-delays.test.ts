import { jetstreamManager } from '@nats-io/jetstream';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import type { OutgoingEntry, When } from '../../lib/core/message.js';
import { ack } from '../../lib/core/settlement.js';
import { NatsConnection } from '../../lib/drivers/nats/connection/nats-connection.js';
import {
  DEFAULT_STREAMS,
  NATS_OPTIONS,
  type NatsOptions,
} from '../../lib/drivers/nats/connection/nats.options.js';
import type { SettledEntries } from '../../lib/drivers/nats/delays/settled-entries.js';
import { openPublishing } from '../../lib/drivers/nats/jetstream/open-publishing.js';
import { Names } from '../../lib/drivers/nats/names/names.js';
import { nats as natsDriver } from '../../lib/drivers/nats/nats.driver.js';
import { messageId } from '../../lib/drivers/nats/publishing/message-id.js';
import { Streams } from '../../lib/drivers/nats/streams/streams.js';
import type { DelayedEntry, DelayStore } from '../../lib/ports/delays.js';
import type { Driver } from '../../lib/ports/driver.js';
import { needsNats, testNats, type TestNats, type TestNatsOptions } from '../support/nats.js';
import { until } from '../support/until.js';

/** Longer than any test, in milliseconds. */
const LATER = 60_000;

/** The driver, closed after the test. */
function opened(options: NatsOptions): Driver & { readonly delays: DelayStore } {
  const driver = natsDriver(options).open({ events: new EventBus(), keyPrefix: '' });
  onTestFinished(() => driver.source.close());
  return { ...driver, delays: driver.delays! };
}

const entry = (stream: string, payload: string): OutgoingEntry => ({
  stream,
  fields: ['event_type', 'test', 'payload', payload],
});
const delayed = (stream: string, payload: string, when: When): DelayedEntry => ({
  ...entry(stream, payload),
  when,
});
const payloadsOf = async (delays: DelayStore, stream: string) =>
  (await delays.list(stream, 100)).items.map(({ fields }) => fields[3]);

describe('delayed messages on NATS', needsNats('floor', 'current'), () => {
  let nats: TestNats;
  let streams = 0;
  const unique = (): string => `stream-${++streams}`;
  beforeAll(async () => {
    nats = await testNats({ version: 'current' });
  });
  afterAll(() => nats.cleanup());

  /** A server of its own, ended after the test. */
  async function started(options: TestNatsOptions): Promise<TestNats> {
    const own = await testNats(options);
    onTestFinished(() => own.cleanup());
    return own;
  }

  /** How many messages the JetStream stream has on each subject. */
  async function countsOf(server: TestNats, name: string): Promise<Record<string, number>> {
    const manager = await jetstreamManager(server.client, { checkAPI: false });
    const { state } = await manager.streams.info(name, { subjects_filter: '>' });
    return state.subjects ?? {};
  }

  /** Consumes what a stream publishes from its beginning on, until there is this payload. */
  async function untilPublished(driver: Driver, stream: string, payload: string) {
    const subscription = await driver.source.subscribe({
      ...{ streams: [stream], group: unique(), consumer: 'c', startId: '0' },
      ...{ blockTimeout: 100, idleTimeout: LATER, reclaimInterval: LATER },
    });
    const found: (string | undefined)[] = [];
    await until(`${payload} is published`, async () => {
      found.push(...(await subscription.pull(100)).map(({ fields }) => fields?.[3]));
      return found.includes(payload);
    });
    await subscription.stop();
    await subscription.close();
    return found;
  }

  test('an old server is asked to store none: it would never publish them', async () => {
    const floor = await started({ version: 'floor' });
    const { delays, source } = opened({ url: floor.url });
    const [refused] = await delays.schedule([delayed('orders', 'later', { in: 1000 })]);
    expect(refused).toMatchObject({ code: 'NATS_DELAYS_UNSUPPORTED' });
    expect((refused as Error).message).toMatch(/nats-server 2\.10\.\d+, .* 2\.12 or later/);
    await source.publish([entry('orders', 'now')]);
    expect(await countsOf(floor, 'orders')).toEqual({ orders: 1 });
    expect(await delays.list('orders', 10)).toEqual({ items: [] });
    expect(await delays.cancel('orders', 'delayed-x')).toBe(false);
  });

  test('a server that is updated keeps delayed messages in the streams of before', async () => {
    const floor = await started({ version: 'floor' });
    await opened({ url: floor.url }).source.publish([entry('orders', 'old')]);
    const { dir } = floor.server;
    await floor.server.kill();
    const later = await started({
      version: 'current',
      config: { jetstream: { store_dir: `${dir}/data` } },
    });
    const driver = opened({ url: later.url });
    const [id] = await driver.delays.schedule([delayed('orders', 'new', { in: 10 })]);
    expect(id).toMatch(/^delayed-/);
    expect(await untilPublished(driver, 'orders', 'new')).toEqual(['old', 'new']);
  });

  test('streams of other programs take none, and nothing is changed', async () => {
    const stream = unique();
    const manager = await jetstreamManager(nats.client);
    const { config } = await manager.streams.add({ name: 'THEIRS', subjects: [stream] });
    const { delays } = opened({ url: nats.url });
    const results = await delays.schedule([
      delayed(stream, '1', { in: 10 }),
      delayed(unique(), '2', { in: LATER }),
    ]);
    expect(results).toEqual([
      expect.objectContaining({ code: 'NATS_DELAYS_UNSUPPORTED' }),
      expect.stringMatching(/^delayed-/),
    ]);
    expect((await manager.streams.info('THEIRS')).config).toEqual(config);
  });

  test.each([
    ['streams that refuse messages when they are full', { maxMessages: 10 }],
    ['messages that would be deleted before', { maxAge: 5000, discard: 'old' }],
  ] as const)('%s are refused', async (_, settings) => {
    const stream = unique();
    const { delays } = opened({ url: nats.url, streams: settings });
    const [refused] = await delays.schedule([delayed(stream, '1', { in: 5000 })]);
    expect(refused).toMatchObject({ code: 'NATS_DELAYS_UNSUPPORTED' });
    expect(await countsOf(nats, stream)).toEqual({});
  });

  test('a full stream that deletes its oldest messages keeps delayed ones', async () => {
    const stream = unique();
    const { delays } = opened({ url: nats.url, streams: { maxMessages: 10, discard: 'old' } });
    await delays.schedule([delayed(stream, '1', { in: LATER })]);
    expect(await payloadsOf(delays, stream)).toEqual(['1']);
  });

  test('they are published though every process of ours has ended, and the server was killed', async () => {
    const own = await started({ version: 'current' });
    const producer = opened({ url: own.url });
    await producer.delays.schedule([
      delayed('orders', 'soon', { in: 500 }),
      delayed('orders', 'later', { in: LATER }),
    ]);
    await producer.source.close();
    await own.server.kill();
    await own.server.start();
    const driver = opened({ url: own.url });
    expect(await untilPublished(driver, 'orders', 'soon')).toEqual(['soon']);
    expect(await payloadsOf(driver.delays, 'orders')).toEqual(['later']);
  });

  test('a due time that no clock of the server can count to is far away, and not past', async () => {
    const stream = unique();
    const { delays } = opened({ url: nats.url });
    await delays.schedule([
      delayed(stream, 'year 3000', { at: Date.UTC(3000, 0) }),
      delayed(stream, 'last', { at: 8.64e15 }),
      delayed(stream, 'for ever', { in: Number.MAX_SAFE_INTEGER }),
      delayed(stream, 'past', { at: -8.64e15 }),
    ]);
    await until(
      'what is past is published',
      async () => (await countsOf(nats, stream))[stream] === 1,
    );
    expect(await payloadsOf(delays, stream)).toEqual(['year 3000', 'last', 'for ever']);
  });

  test('what other programs schedule, or publish beside, is not ours to show or cancel', async () => {
    const stream = unique();
    const { delays } = opened({ url: nats.url });
    await delays.schedule([delayed(stream, 'ours', { in: LATER })]);
    const prefix = `_streams.=.delayed.${stream}`;
    const every = ['Nats-Schedule', '@every 1h', 'Nats-Schedule-Target', stream];
    await publishRaw(nats, `${prefix}.garbage`, []);
    await publishRaw(nats, `${prefix}.hourly`, every);
    expect(await payloadsOf(delays, stream)).toEqual(['ours']);
    expect(await delays.cancel(stream, 'delayed-garbage')).toBe(false);
    expect(await delays.reschedule(stream, 'delayed-hourly', { in: 1 })).toBe(false);
    for (const id of ['delayed-*', 'delayed->', 'delayed-a.b', 'delayed-', 'delayed-a b']) {
      expect(await delays.cancel(stream, id)).toBe(false);
    }
    expect(Object.keys(await countsOf(nats, stream))).toHaveLength(3);
  });

  test('while one waits, its key is remembered beyond the window of the server', async () => {
    const stream = unique();
    const { delays } = opened({ url: nats.url, streams: { duplicateWindow: 100 } });
    const keyed = (payload: string): DelayedEntry => ({
      ...delayed(stream, payload, { in: LATER }),
      idempotency: { key: 'k', window: 'native' },
    });
    const [first] = await delays.schedule([keyed('1')]);
    const stored = performance.now();
    await until('the window is over', () => performance.now() > stored + 300);
    expect(await delays.schedule([keyed('2')])).toEqual([first]);
    expect(await payloadsOf(delays, stream)).toEqual(['1']);
    expect(await delays.cancel(stream, first as string)).toBe(true);
    expect(await delays.schedule([keyed('3')])).toEqual([first]);
    expect(await payloadsOf(delays, stream)).toEqual(['3']);
  });

  test('what is due cannot be cancelled or moved any more, and is published', async () => {
    const stream = unique();
    const driver = opened({ url: nats.url });
    const { delays } = driver;
    const [id] = (await delays.schedule([delayed(stream, 'due', { at: 1 })])) as string[];
    expect(await delays.cancel(stream, id!)).toBe(false);
    expect(await delays.reschedule(stream, id!, { in: LATER })).toBe(false);
    expect(await untilPublished(driver, stream, 'due')).toEqual(['due']);
  });

  test('of several changes at once the last one counts, and none is lost', async () => {
    const stream = unique();
    const { delays } = opened({ url: nats.url });
    const [id] = (await delays.schedule([delayed(stream, 'moved', { in: LATER })])) as string[];
    const times = [1, 2, 3, 4].map((factor) => factor * LATER);
    const moved = times.map((ms) => delays.reschedule(stream, id!, { in: ms }));
    expect(await Promise.all(moved)).toEqual([true, true, true, true]);
    expect(await payloadsOf(delays, stream)).toEqual(['moved']);
    expect(Object.values(await countsOf(nats, stream))).toEqual([1]);
  });

  test('retention keeps what waits', async () => {
    const stream = unique();
    const { delays, source, retention } = opened({ url: nats.url });
    await delays.schedule([delayed(stream, 'waits', { in: LATER })]);
    await source.publish([entry(stream, '1'), entry(stream, '2')]);
    const subscription = await source.subscribe({
      ...{ streams: [stream], group: 'g', consumer: 'c', startId: '0' },
      ...{ blockTimeout: 100, idleTimeout: LATER, reclaimInterval: LATER },
    });
    const leases = await subscription.pull(10);
    expect(leases.length).toBeGreaterThan(0);
    await source.settle(leases.map((lease) => ({ lease, settlement: ack })));
    await until('what is settled is deleted', async () => {
      await retention!.trim(stream, { policy: 'deleteWhenSettled', groups: ['g'] });
      return ((await countsOf(nats, stream))[stream] ?? 0) <= 2 - leases.length;
    });
    await subscription.stop();
    await subscription.close();
    expect(await payloadsOf(delays, stream)).toEqual(['waits']);
  });

  describe('what a settlement publishes', () => {
    /** What settlements publish with, closed after the test. */
    function settled(): SettledEntries {
      const events = new EventBus();
      const options = NATS_OPTIONS.complete({ url: nats.url });
      const connection = new NatsConnection(options, events);
      const names = new Names('');
      const parts = { connection, events, names, options, settings: DEFAULT_STREAMS };
      const { publisher, settled: entries } = openPublishing(parts, new Streams(parts));
      onTestFinished(async () => {
        await publisher.close();
        await connection.close();
      });
      return entries;
    }

    test('is there once, however often it is carried out, at once and later', async () => {
      const stream = unique();
      const entries = [
        entry(stream, 'now'),
        delayed(stream, 'later', { in: LATER }),
        { stream, fields: [] },
        { ...entry(stream, 'keyed'), idempotency: { key: 'k', window: 'native' } as const },
      ];
      const ids = entries.map((_, index) => messageId('group', stream, '1', String(index)));
      const first = await settled().publish(entries, ids);
      expect(first).toEqual([
        expect.stringMatching(/^\d+$/),
        expect.stringMatching(/^delayed-/),
        expect.objectContaining({ code: 'INVALID_MESSAGE' }),
        expect.stringMatching(/^\d+$/),
      ]);
      const again = await settled().publish(entries, ids);
      expect(again.toSpliced(2, 1)).toEqual(first.toSpliced(2, 1));
      const { delays } = opened({ url: nats.url });
      expect(await payloadsOf(delays, stream)).toEqual(['later']);
      expect((await countsOf(nats, stream))[stream]).toBe(2);
    });
  });
});

/** Publishes a message as another program does. @param given names and values in turn */
async function publishRaw(nats: TestNats, subject: string, given: readonly string[]) {
  const { headers } = await import('@nats-io/transport-node');
  const made = headers();
  for (let at = 0; at < given.length; at += 2) made.append(given[at]!, given[at + 1]!);
  const answer = await nats.client.request(subject, 'x', { headers: made, timeout: 5000 });
  expect(answer.json()).toMatchObject({ seq: expect.any(Number) });
}
