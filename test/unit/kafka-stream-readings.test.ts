import { expect, it, onTestFinished, vi } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import { Names } from '../../lib/drivers/kafka/names/names.js';
import type { TopicReader } from '../../lib/drivers/kafka/reading/read-topic.js';
import {
  StreamReadings,
  type StreamReadingsParts,
} from '../../lib/drivers/kafka/reading/stream-readings.js';

const never = (): Promise<never> => new Promise(() => undefined);
const names = new Names('');
const RETRIES = names.retries('shop', 'orders');

it('a topic of retries that two looks have found at once is read once', async () => {
  const asked: ((found: Map<string, readonly number[]>) => void)[] = [];
  const admin = { topics: () => new Promise((resolve) => asked.push(resolve)) };
  // The members that are made never get an answer.
  let members = 0;
  const member = () => {
    members++;
    return { leaders: never, close: async () => undefined };
  };
  const groups = { open: async () => 'there' as const };
  const options = { rebalanceTimeout: 1000, metadataMaxAge: 1000, maxBufferedBytes: 1 };
  const soon = vi.fn<() => void>();
  const retries = { trimOf: () => ({ soon, now: async () => undefined }) };
  const parts = {
    ...{ client: { admin, member }, groups, names, events: new EventBus(), options, retries },
  };
  const wanted = { streams: ['orders'], group: 'shop', consumer: 'one', startId: '0' };
  const nothing = () => undefined;
  const reader = {
    ...{ group: 'shop', consumer: 'one', sessionTimeout: 1000, wake: nothing },
    drains: { lost: nothing },
  };
  const readings = new StreamReadings(
    wanted,
    parts as object as StreamReadingsParts,
    reader as object as TopicReader,
  );
  onTestFinished(() => readings.close(0));
  void readings.open();
  await expect.poll(() => readings.all.length).toBe(1);
  // Beside the look of `open`.
  const looks = [readings.findRetries(), readings.findRetries()];
  await expect.poll(() => asked.length).toBe(3);
  const found = new Map([[RETRIES, [0]]]);
  for (const answer of asked) answer(found);
  await Promise.all(looks);
  expect(readings.all.map(({ read }) => read.topic)).toEqual(['orders', RETRIES]);
  // One of each topic: a member that is forgotten would keep its partitions.
  expect(members).toBe(2);
  // What a process that was killed has settled is deleted, too.
  expect(soon).toHaveBeenCalled();
});
