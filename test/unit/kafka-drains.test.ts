import { describe, expect, onTestFinished, test } from 'vitest';
import type { ReadingOptions } from '../../lib/drivers/kafka/reading/read-topic.js';
import type { SubscribeOptions } from '../../lib/ports/subscription.js';
import { finish, KafkaTopics, offsetsOf, TopicsReader } from '../support/kafka-topics.js';
import { until } from '../support/until.js';

/** Longer than each test. */
const NEVER = 60_000;

function open(
  topics: KafkaTopics,
  subscribing: Partial<SubscribeOptions> = {},
  options: Partial<ReadingOptions> = {},
): Promise<TopicsReader> {
  const reader = new TopicsReader(
    topics,
    { idleTimeout: 2000, ...subscribing },
    { rebalanceTimeout: NEVER, ...options },
  );
  onTestFinished(() => reader.subscription.close());
  return reader.open();
}

/** Holds back all commits until it is called. */
function holdCommits(topics: KafkaTopics): () => void {
  let release!: () => void;
  const held = new Promise<void>((resolve) => (release = resolve));
  topics.onCommit = () => held;
  return release;
}

describe('a partition that goes to another consumer', () => {
  test('waits for no lease that the engine has not got', async () => {
    const topics = new KafkaTopics().add('orders', 2);
    const first = await open(topics, { blockTimeout: 50 });
    const release = holdCommits(topics);
    for (const partition of [0, 1]) topics.append('orders', ['a'], partition);
    // Their first runs are counted, which the group does not know yet.
    await until('both are read', async () => {
      expect(await first.pull()).toEqual([]);
      return topics.at('orders').coordinator.memberIds.length === 1 && first.taken.length === 2;
    });
    const revoked = first.told('partitions-revoked');
    const opening = open(topics, { consumer: 'two' });
    await until('one of them goes', () => first.taken.length === 1);
    release();
    const second = await opening;
    const [lease] = await second.take(1);
    expect(lease!.partition).toBe(revoked[0]!.partitions[0]);
    // Its first run was taken back.
    expect([lease!.attempt, lease!.charged]).toEqual([0, false]);
  });

  test('waits for no partition of another stream', async () => {
    const topics = new KafkaTopics().add('orders', 2).add('mails', 2);
    const first = await open(topics, { streams: ['orders', 'mails'] });
    for (const partition of [0, 1]) topics.append('orders', ['a'], partition);
    const [one] = await first.take(2);
    await open(topics, { consumer: 'two', streams: ['orders'] });
    await until('one of orders goes', () => first.handed.some(({ state }) => state.isDraining));
    const third = await open(topics, { consumer: 'three', streams: ['mails'] });
    for (const partition of [0, 1]) topics.append('mails', ['a'], partition);
    await third.take(1);
    expect(first.handed).toContain(one);
    expect(first.handed.every(({ state }) => state.isOpen)).toBe(true);
  });
});

test('a message that is given back is handed out before those behind it that were taken', async () => {
  const topics = new KafkaTopics().add('orders').append('orders', ['a', 'b']);
  const reader = await open(topics, { blockTimeout: 50 });
  const [first] = await reader.take(1, 1);
  const release = holdCommits(topics);
  await until('the second is taken', async () => {
    expect(await reader.pull()).toEqual([]);
    return reader.taken.length === 1;
  });
  first!.state.release(first!);
  release();
  expect(offsetsOf(await reader.take(2))).toEqual([0, 1]);
});

test('a pull goes on as soon as a partition is full no more', async () => {
  const topics = new KafkaTopics().add('orders').append('orders', Array<string>(6000).fill('x'));
  const reader = await open(topics, { blockTimeout: NEVER });
  while (!reader.isFull) await reader.pull(6000);
  const next = reader.pull(6000);
  // It waits.
  await new Promise((resolve) => setImmediate(resolve));
  finish(reader.handed.slice(0, 1000));
  expect((await next).length).toBeGreaterThan(0);
});

test('a subscription ends though a heartbeat is never answered', async () => {
  const topics = new KafkaTopics().add('orders');
  const reader = await open(topics, { idleTimeout: 400 });
  await new Promise<void>((resolve) => {
    topics.onHeartbeat = () => {
      resolve();
      return new Promise(() => undefined);
    };
  });
  await reader.subscription.close();
});
