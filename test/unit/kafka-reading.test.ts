import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { HandOut } from '../../lib/drivers/kafka/reading/hand-out.js';
import { NO_MARKS, TopicMarks } from '../../lib/drivers/kafka/groups/mark.js';
import type { ReadingOptions } from '../../lib/drivers/kafka/reading/read-topic.js';
import type { SubscribeOptions } from '../../lib/ports/subscription.js';
import { finish, KafkaTopics, names, offsetsOf, TopicsReader } from '../support/kafka-topics.js';
import { until } from '../support/until.js';

const RETRIES = names.retries('shop', 'orders');
const HOUR = 3_600_000;

afterEach(() => vi.restoreAllMocks());

const range = (count: number) => Array.from({ length: count }, (_, at) => at);

function open(
  topics: KafkaTopics,
  subscribing: Partial<SubscribeOptions> = {},
  options: Partial<ReadingOptions> = {},
): Promise<TopicsReader> {
  const reader = new TopicsReader(topics, subscribing, options);
  onTestFinished(() => reader.subscription.close());
  return reader.open();
}

/** Bytes of retries that wait in memory. */
const parked = ({ subscription }: TopicsReader): number =>
  subscription['readings'].all.reduce((sum, { parkedBytes }) => sum + parkedBytes, 0);

/** Pulls until a retry waits in memory. */
const untilParked = (reader: TopicsReader) =>
  until('a retry waits', async () => {
    await reader.pull();
    return parked(reader) > 0;
  });

describe('retries that wait', () => {
  test('take no room from new messages, and are bounded themselves', async () => {
    const topics = new KafkaTopics().add('orders').add(RETRIES);
    const dueAt = Date.now() + HOUR;
    for (const _ of range(40)) topics.appendRetry(Buffer.alloc(5000), { dueAt });
    const reader = await open(topics, {}, { maxBufferedBytes: 64 * 1024 });
    await untilParked(reader);
    // What one fetch brings is taken whole. Above the bound no more is fetched.
    expect(parked(reader)).toBeGreaterThan(200_000);
    const fetched = new Set<string>();
    topics.onFetch = (topic) => void fetched.add(topic);
    topics.appendRetry(Buffer.alloc(5000), { dueAt });
    topics.append('orders', ['a']);
    expect(offsetsOf(await reader.take(1))).toEqual([0]);
    topics.append('orders', ['b']);
    expect(offsetsOf(await reader.take(1))).toEqual([1]);
    expect([...fetched]).toEqual(['orders']);
  });

  test('count nowhere once they are done', async () => {
    const topics = new KafkaTopics().add('orders').add(RETRIES);
    const reader = await open(topics, {}, { maxBufferedBytes: 1000 });
    for (const at of range(3)) {
      topics.appendRetry(Buffer.alloc(5000), { dueAt: Date.now() + 50 });
      const [lease] = await reader.take(1);
      expect([lease!.id, lease!.offset]).toEqual(['0-0', at]);
      finish([lease!]);
    }
    expect(subscriptionBytes(reader)).toEqual([0, 0]);
  });

  test('do not keep a consumer that has stopped in their group', async () => {
    const topics = new KafkaTopics().add('orders').add(RETRIES);
    topics.appendRetry(Buffer.from('x'), { dueAt: Date.now() + HOUR });
    const reader = await open(topics);
    await untilParked(reader);
    await reader.subscription.stop();
    await until('it has left', () => topics.at(RETRIES).coordinator.memberIds.length === 0);
  });

  /** How often one pull looks for something to hand out, after all that waits has become due. */
  async function looksOfPull(reader: TopicsReader): Promise<number> {
    const later = Date.now() + 2 * HOUR;
    vi.spyOn(Date, 'now').mockReturnValue(later);
    const looks = vi.spyOn(HandOut.prototype, 'take');
    expect(await reader.pull()).toEqual([]);
    return looks.mock.calls.length;
  }

  test('are looked at once in a pull while their stream is paused', async () => {
    const topics = new KafkaTopics().add('orders').add(RETRIES);
    topics.appendRetry(Buffer.from('x'), { dueAt: Date.now() + HOUR });
    const reader = await open(topics);
    await untilParked(reader);
    reader.subscription.watch(new Set());
    expect(await looksOfPull(reader)).toBeLessThan(5);
  });

  test('are looked at once in a pull while the session of their member is over', async () => {
    const topics = new KafkaTopics().add('orders').add(RETRIES);
    topics.appendRetry(Buffer.from('x'), { dueAt: Date.now() + HOUR });
    const reader = await open(topics, { idleTimeout: 300 });
    await untilParked(reader);
    reader.subscription.silence();
    const end = performance.now() + 400;
    await until('the session is over', () => performance.now() > end);
    expect(await looksOfPull(reader)).toBeLessThan(5);
  });
});

const subscriptionBytes = ({ subscription }: TopicsReader): number[] =>
  subscription['readings'].all.map(({ bytes }) => bytes);

test('a message that waits for its next run keeps nothing in memory beside its record', async () => {
  const topics = new KafkaTopics().add('orders').add(RETRIES);
  const answer = Buffer.alloc(1_000_000, 'x');
  topics.appendRetry(answer.subarray(0, 10), { dueAt: Date.now() + HOUR });
  const reader = await open(topics);
  await untilParked(reader);
  vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 2 * HOUR);
  const [moved] = await reader.take(1);
  expect([moved!.record.value!.buffer.byteLength, moved!.fields]).toEqual([10, []]);
  topics.append('orders', [answer.subarray(0, 10)]);
  const [lease] = await reader.take(1);
  const shared = () => lease!.record.value!.buffer.byteLength;
  expect(shared()).toBe(1_000_000);
  lease!.state.park(lease!);
  expect(shared()).toBe(10);
});

describe('records that were deleted before they were read', () => {
  test('are told of, and do not hide a message that was given back', async () => {
    const topics = new KafkaTopics().add('orders').append('orders', ['a', 'b']);
    const reader = await open(topics);
    const lost = reader.told('messages-lost');
    const [first, second] = await reader.take(2);
    first!.state.release(first!);
    topics.append('orders', ['c', 'd', 'e']).deleteBelow('orders', 4);
    await until('they are told of', () => lost.length === 1);
    expect(lost[0]).toMatchObject({ stream: 'orders', group: 'shop', count: 2, why: 'deleted' });
    const again = await reader.take(2);
    expect(offsetsOf(again)).toEqual([0, 4]);
    finish([second!, ...again]);
    const { committed } = topics.at('orders').coordinator;
    await until('nothing is open', () => committed.get(0)?.offset === 5);
  });

  test('leave retries that wait where they are', async () => {
    const topics = new KafkaTopics().add('orders').add(RETRIES);
    topics.appendRetry(Buffer.from('x'), { dueAt: Date.now() + HOUR });
    const reader = await open(topics);
    await untilParked(reader);
    topics.appendRetry(Buffer.from('y'), { dueAt: 1 });
    topics.appendRetry(Buffer.from('z'), { dueAt: 1 });
    topics.deleteBelow(RETRIES, 2);
    expect(offsetsOf(await reader.take(1))).toEqual([2]);
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 2 * HOUR);
    expect(offsetsOf(await reader.take(1))).toEqual([0]);
  });
});

describe('a partition that ends before the position', () => {
  const MINUTE = 60_000;
  const ends = async (topics: KafkaTopics, forgets: boolean) => {
    const reader = await open(topics);
    finish(await reader.take(4));
    const { committed } = topics.at('orders').coordinator;
    await until('all is committed', () => committed.get(0)?.offset === 4);
    if (forgets) committed.clear();
    topics.truncate('orders', 2);
    return reader;
  };
  const old = () =>
    new KafkaTopics().add('orders').append('orders', ['a', 'b', 'c', 'd'], 0, Date.now() - HOUR);

  test('since its topic was made again is read from its beginning', async () => {
    const topics = old();
    const reader = await ends(topics, true);
    topics.append('orders', ['e'], 0, Date.now());
    expect(offsetsOf(await reader.take(3))).toEqual([0, 1, 2]);
  });

  test('since its end was lost is read from what can be new', async () => {
    const topics = old();
    const reader = await ends(topics, false);
    const warnings = reader.told('warning');
    topics.append('orders', ['e'], 0, Date.now() - MINUTE);
    expect(offsetsOf(await reader.take(1))).toEqual([2]);
    expect(warnings.map(({ code }) => code)).toEqual(['KAFKA_POSITION_GONE']);
    expect(warnings[0]!.message).toMatch(/ends before offset 4, .* goes on at offset 2/);
    finish(reader.handed.slice(-1));
    topics.append('orders', ['f'], 0, Date.now());
    expect(offsetsOf(await reader.take(1))).toEqual([3]);
  });

  test('since its end was lost is read from what is not done', async () => {
    const topics = old();
    const reader = await open(topics);
    const [, ...others] = await reader.take(4);
    finish(others.slice(1));
    const { committed } = topics.at('orders').coordinator;
    await until('that is committed', () => committed.get(0)?.offset === 0);
    topics.truncate('orders', 2);
    expect(offsetsOf(await reader.take(2))).toEqual([0, 1]);
  });
});

test('a stream whose group was deleted and made again is read by one member', async () => {
  const topics = new KafkaTopics().add('orders').add('mails');
  const reader = await open(topics, { streams: ['orders', 'mails'] });
  const { subscription } = reader;
  const unreadable = reader.told('stream-unreadable');
  const readings = subscription['readings'];
  let release!: () => void;
  const held = new Promise<void>((resolve) => (release = resolve));
  topics.onLeave = (topic) => (topic === 'orders' ? held : undefined);
  topics.marks = new TopicMarks(
    new Map([[0, { n: 1, kind: 'deleted', offset: 0, written: 1, by: 'x' }]]),
  );
  const [slow, fast] = [readings.lookAtMarks(), readings.lookAtMarks()];
  await fast;
  topics.marks = NO_MARKS;
  await readings.lookForMissing();
  const { coordinator } = topics.at('mails');
  await until('mails is read again', () => coordinator.memberIds.length === 1);
  release();
  await slow;
  expect(unreadable.map(({ stream }) => stream).sort()).toEqual(['mails', 'orders']);
  await subscription.close();
  // A member that is forgotten would stay.
  expect(coordinator.memberIds).toEqual([]);
});

test('a subscription that is closed while it opens leaves nothing behind', async () => {
  const topics = new KafkaTopics().add('orders');
  const reader = new TopicsReader(topics);
  const opening = reader.open();
  await reader.subscription.close();
  await opening;
  expect(topics.listeners).toBe(0);
});
