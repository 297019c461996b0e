import { afterEach, beforeEach, describe, expect, test, type TestContext } from 'vitest';
import { StreamConsumers } from '../../lib/runtime/stream-consumers/stream-consumers.js';
import type { Message } from '../../lib/core/message.js';
import type { StreamConsumer } from '../../lib/runtime/stream-consumers/stream-consumer.js';
import type { DriverFactory } from '../../lib/ports/driver.js';
import type { SettledEvent } from '../../lib/core/run-events.js';
import type { StreamConsumerOptions } from '../../lib/options/stream-consumer-options.js';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import { gate } from '../support/engine.js';
import { quiet } from '../support/passing-time.js';
import { until } from '../support/until.js';
import { inAllSlots } from '../support/in-all-slots.js';

export interface ConsumerHarness {
  readonly source: DriverFactory;
  readonly keyPrefix?: string;
  /** A name that no other test uses. */
  unique(name: string): string;
}

const IDLE = 300;

/** What a consumer without a controller promises, on every driver. */
export function describeStreamConsumerContract(name: string, setup: () => ConsumerHarness): void {
  describe(`stream consumer contract: ${name}`, () => {
    let harness: ConsumerHarness;
    let runtime: StreamsRuntime;
    let stream: string;
    let settled: SettledEvent[];
    const started: Promise<void>[] = [];

    beforeEach(() => {
      harness = setup();
      stream = harness.unique('events');
      settled = [];
      runtime = new StreamsRuntime({
        slots: inAllSlots(harness.source),
        keyPrefix: harness.keyPrefix ?? '',
        group: 'g',
        concurrency: 2,
        blockTimeout: 100,
        idleTimeout: IDLE,
        reclaimInterval: 50,
        gracePeriod: 500,
        backoff: { type: 'fixed', delay: 10, jitter: 0 },
      });
      runtime.events.on('settled', (event) => settled.push(event));
    });
    afterEach(async () => {
      await runtime.close();
      await Promise.allSettled(started.splice(0));
    });

    const create = (options: Partial<StreamConsumerOptions> = {}): StreamConsumer =>
      new StreamConsumers(runtime).create({
        ...(options.streams ? {} : { stream }),
        consumer: 'c1',
        ...options,
      });
    const publish = (payload: unknown, eventType = 'made', to = stream) =>
      runtime.producer.publish({ eventType, payload, stream: to, metadata: { trace: 't1' } });
    /** Ends the test as skipped where single messages cannot be kept, listed and acknowledged by their id. */
    const needsPending = ({ skip }: TestContext): void => {
      if (!runtime.driver.pending) skip(`${runtime.slots.technology} has no port \`pending\``);
    };
    /** Ends the test as skipped where a consumer cannot have an entry of its own: it has whole partitions. */
    const needsEntries = ({ skip }: TestContext): void => {
      const { technology, holds } = runtime.driver.source.capabilities;
      if (holds !== 'entry') skip(`${technology} gives each partition to one consumer`);
    };
    const expectNothingPending = async (consumer: StreamConsumer): Promise<void> => {
      if (runtime.driver.pending) expect(await consumer.getPending()).toEqual([]);
    };
    const running = (subscribed: Promise<void>) => void started.push(subscribed);
    const outcomes = () => settled.map(({ outcome }) => outcome);
    const settledWith = (outcome: string, count = 1) =>
      until(
        `${count} ${outcome}`,
        () => outcomes().filter((one) => one === outcome).length >= count,
        5000,
        () => outcomes().join(),
      );

    /** Nothing that is bounded by the module runs until the function that it answers is called. */
    async function takeAllSlots(): Promise<() => void> {
      const blocked = gate<boolean>();
      const other = harness.unique('blocking');
      let calls = 0;
      const blocking = create({ streams: [other], consumer: 'blocking' });
      running(
        blocking.subscribe(() => {
          calls++;
          return blocked.promise;
        }),
      );
      await publish(1, 'made', other);
      await publish(2, 'made', other);
      await until('all slots are taken', () => calls === 2);
      return () => blocked.open(true);
    }

    test('calls back with a plain message, and acknowledges it where the answer is true', async () => {
      const consumer = create();
      const seen: Message[] = [];
      running(consumer.subscribe(async (message) => seen.push(message) > 0));
      const id = await publish({ n: 1 });
      await settledWith('handled');
      expect(seen).toEqual([
        {
          id,
          stream,
          eventType: 'made',
          payload: { n: 1 },
          metadata: { trace: 't1' },
          timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        },
      ]);
      expect(JSON.parse(JSON.stringify(seen[0]))).toEqual(seen[0]);
      await expectNothingPending(consumer);
    });

    test('blocks until closed; closing awaits what runs, and may be asked for twice', async () => {
      const consumer = create();
      const slow = gate<boolean>();
      let [ended, called, closed] = [false, false, false];
      const subscribed = consumer
        .subscribe(() => {
          called = true;
          return slow.promise;
        })
        .then(() => (ended = true));
      await publish(1);
      await until('called', () => called);
      const closing = consumer.close().then(() => (closed = true));
      await quiet(30);
      expect([ended, closed]).toEqual([false, false]);
      slow.open(true);
      await Promise.all([subscribed, closing, consumer.close()]);
      expect(outcomes()).toEqual(['handled']);
      await expect(consumer.subscribe(() => true)).rejects.toMatchObject({ code: 'CLOSED' });
    });

    test('lists its own callbacks that go on after their timeout, until they end', async () => {
      const [mine, other] = [create({ timeout: 30 }), create({ group: 'h', timeout: 30 })];
      const slow = gate<boolean>();
      for (const consumer of [mine, other]) running(consumer.subscribe(() => slow.promise));
      const id = await publish(1);
      for (const [consumer, group] of [
        [mine, 'g'],
        [other, 'h'],
      ] as const) {
        await until('it is listed', () => consumer.overruns.length > 0);
        expect(consumer.overruns).toMatchObject([
          { stream, group, id, attempt: 1, reason: 'timeout', slotGivenBack: true },
        ]);
        expect(consumer.overruns).toHaveLength(1);
      }
      slow.open(true);
      await until('none is listed', () => mine.overruns.length + other.overruns.length === 0);
    });

    test('returns when its module ends', async () => {
      const consumer = create();
      const subscribed = consumer.subscribe(() => true);
      await publish(1);
      await settledWith('handled');
      await runtime.drain();
      await subscribed;
    });

    test('acknowledges events that were not asked for, and counts them as filtered', async () => {
      const consumer = create();
      const seen: string[] = [];
      running(consumer.subscribe(({ eventType }) => seen.push(eventType) > 0, ['order.*', 'paid']));
      for (const type of ['order.made', 'other', 'paid', 'unpaid']) await publish(1, type);
      await settledWith('handled', 2);
      await settledWith('filtered', 2);
      expect(seen).toEqual(['order.made', 'paid']);
      await expectNothingPending(consumer);
    });

    test('dead-letters them, or leaves them, where the policy says so', async (context) => {
      needsPending(context);
      const letters = create({ unmatched: 'dead-letter' });
      running(letters.subscribe(() => true, ['wanted']));
      await publish(1, 'other');
      await settledWith('dead-lettered');
      await letters.close();
      const leaves = create({ unmatched: 'leave', group: 'leaving' });
      running(leaves.subscribe(() => true, ['wanted']));
      await settledWith('left');
      // Not counted where it has waited until the absence of other consumers was certain.
      const [left] = await leaves.getPending();
      expect(left).toMatchObject({ consumer: 'c1' });
      expect(left!.delivered).toBeLessThanOrEqual(1);
    });

    test('false keeps a message pending: not given again here, found, and acknowledged by its id', async (context) => {
      needsPending(context);
      const consumer = create();
      let calls = 0;
      running(consumer.subscribe(() => ++calls < 0));
      const id = await publish(1);
      await settledWith('left');
      await quiet(3 * IDLE);
      expect(calls).toBe(1);
      const pending = await consumer.getPending();
      expect(pending).toEqual([
        { id, stream, consumer: 'c1', idleMs: expect.any(Number), delivered: 0 },
      ]);
      expect(pending[0]!.idleMs).toBeGreaterThanOrEqual(2 * IDLE);
      expect(await consumer.acknowledge(id)).toBe(1);
      expect(await consumer.acknowledge(id)).toBe(0);
      await expect(consumer.acknowledge('garbage')).rejects.toMatchObject({
        code: 'INVALID_OPTIONS',
      });
      expect(await consumer.getPending()).toEqual([]);
    });

    test('another consumer of the group is given what was kept, after idleTimeout, as a first run', async (context) => {
      needsPending(context);
      const first = create();
      running(first.subscribe(() => false));
      const id = await publish(1);
      await settledWith('left');
      const second = create({ consumer: 'c2' });
      const seen: { id: string; attempt: number }[] = [];
      running(
        second.subscribe(({ id }, { attempt }) => {
          seen.push({ id, attempt });
          return true;
        }),
      );
      await settledWith('handled');
      expect(seen).toEqual([{ id, attempt: 1 }]);
      expect(await second.getPending()).toEqual([]);
    });

    test('a callback that throws is called again, and the dead letter comes in the end', async () => {
      const consumer = create({ maxDeliveries: 3 });
      const attempts: number[] = [];
      running(
        consumer.subscribe((_, { attempt }) => {
          attempts.push(attempt);
          throw new Error('no');
        }),
      );
      await publish(1);
      await settledWith('dead-lettered');
      expect(attempts).toEqual([1, 2, 3]);
      expect(settled.at(-1)).toMatchObject({ reason: 'max-deliveries', error: { message: 'no' } });
    });

    test('an answer that is neither true nor false is a dead letter at once', async () => {
      const consumer = create();
      let calls = 0;
      running(consumer.subscribe((() => void calls++) as never));
      await publish(1);
      await settledWith('dead-lettered');
      expect(calls).toBe(1);
      expect(settled.at(-1)).toMatchObject({ reason: 'unrecoverable' });
      expect(settled.at(-1)!.error!.message).toContain('answered undefined');
    });

    test('what waits for a retry does not run again once it was acknowledged', async (context) => {
      needsPending(context);
      const consumer = create({ backoff: { delay: 300, jitter: 0 } });
      let calls = 0;
      running(
        consumer.subscribe(() => {
          calls++;
          throw new Error('no');
        }),
      );
      const id = await publish(1);
      await settledWith('retried');
      expect(await consumer.acknowledge(id)).toBe(1);
      await settledWith('lost');
      await quiet(400);
      expect(calls).toBe(1);
    });

    test('what waits for its turn does not run once it was acknowledged', async (context) => {
      needsPending(context);
      const open = await takeAllSlots();
      const consumer = create();
      const seen: unknown[] = [];
      running(consumer.subscribe(({ payload }) => seen.push(payload) > 0));
      const id = await publish('waits');
      await until('it waits', async () => (await consumer.getPending()).length === 1);
      expect(await consumer.acknowledge({ id, stream })).toBe(1);
      open();
      await publish('next');
      await until('the next one runs', () => seen.length > 0);
      expect(seen).toEqual(['next']);
      expect(outcomes()).toContain('lost');
    });

    test('what runs may be acknowledged before it ends', async (context) => {
      needsPending(context);
      const consumer = create();
      const slow = gate<boolean>();
      let called = false;
      running(
        consumer.subscribe(() => {
          called = true;
          return slow.promise;
        }),
      );
      const id = await publish(1);
      await until('called', () => called);
      expect(await consumer.acknowledge(id)).toBe(1);
      slow.open(false);
      await settledWith('lost');
      expect(await consumer.getPending()).toEqual([]);
    });

    test('without creation a missing stream, and a missing group, are errors', async () => {
      const off = { createGroup: false };
      const none: unknown = await create(off)
        .subscribe(() => true)
        .catch((error: unknown) => error);
      expect(none).toMatchObject({ code: 'STREAM_NOT_FOUND', stream });
      await publish(1);
      const consumer = create(off);
      const missing: unknown = await consumer
        .subscribe(() => true)
        .catch((error: unknown) => error);
      expect(missing).toMatchObject({ code: 'GROUP_NOT_FOUND', stream, group: 'g' });
      await runtime.driver.groups!.create(stream, 'g', { startId: '0', createStream: false });
      running(consumer.subscribe(() => true));
      await settledWith('handled');
    });

    test('begins where startId says', async () => {
      await publish('old');
      const consumer = create({ startId: '$' });
      const seen: unknown[] = [];
      running(consumer.subscribe(({ payload }) => seen.push(payload) > 0));
      await until('there is a group', async () => {
        const [report] = await runtime.driver.groups!.describe([stream]);
        return report!.groups.length === 1;
      });
      await publish('new');
      await settledWith('handled');
      expect(seen).toEqual(['new']);
    });

    test('reads several streams; their messages are acknowledged with their stream', async (context) => {
      needsPending(context);
      const streams = [stream, harness.unique('others')];
      const consumer = create({ streams });
      running(consumer.subscribe(() => false));
      const ids = [await publish(1), await publish(2, 'made', streams[1])];
      await settledWith('left', 2);
      expect((await consumer.getPending()).map(({ id }) => id)).toEqual(ids);
      await expect(consumer.acknowledge(ids[0]!)).rejects.toMatchObject({
        code: 'INVALID_OPTIONS',
      });
      expect(await consumer.acknowledge({ id: ids[1]!, stream: streams[1]! })).toBe(1);
      expect((await consumer.getPending()).map(({ id }) => id)).toEqual([ids[0]]);
    });

    test('start resolves when it reads, and closed when it has ended', async () => {
      const consumer = create();
      const ends: string[] = [];
      void consumer.closed.then(() => ends.push('closed'));
      await publish(1);
      await consumer.start(() => true);
      const [report] = await runtime.driver.groups!.describe([stream]);
      expect(report!.groups).toHaveLength(1);
      await settledWith('handled');
      expect(ends).toEqual([]);
      await expect(consumer.start(() => true)).rejects.toMatchObject({
        code: 'ALREADY_RUNNING',
      });
      await consumer.close();
      await consumer.closed;
      expect(ends).toEqual(['closed']);
    });

    test('start rejects for what fails before it reads, and may be called again', async () => {
      const consumer = create({ createGroup: false });
      await expect(consumer.start(() => true)).rejects.toMatchObject({ code: 'STREAM_NOT_FOUND' });
      await runtime.driver.groups!.create(stream, 'g', { startId: '0', createStream: true });
      await consumer.start(() => true);
      await publish(1);
      await settledWith('handled');
      await consumer.close();
    });

    test('what fails later rejects closed, and is told of; it may start again', async () => {
      const consumer = create();
      const failed: unknown[] = [];
      runtime.events.on('consumer-failed', (event) => failed.push(event));
      await publish(1);
      await consumer.start(() => true);
      await settledWith('handled');
      const { closed } = consumer;
      await runtime.driver.groups!.delete(stream, 'g');
      await expect(closed).rejects.toMatchObject({ code: 'GROUP_NOT_FOUND' });
      expect(failed).toMatchObject([
        { streams: [stream], group: 'g', error: { code: 'GROUP_NOT_FOUND' } },
      ]);
      await runtime.driver.groups!.create(stream, 'g', { startId: '$', createStream: true });
      await consumer.start(() => true);
      await publish(2);
      await settledWith('handled', 2);
      await consumer.close();
      await consumer.closed;
    });

    test('has one callback, and no other consumer reads under its name', async () => {
      const consumer = create();
      running(consumer.subscribe(() => true));
      await expect(consumer.subscribe(() => true)).rejects.toMatchObject({
        code: 'ALREADY_RUNNING',
      });
      await expect(create().subscribe(() => true, ['other'])).rejects.toMatchObject({
        code: 'HANDLER_CONFLICT',
        why: 'consumers',
        message: expect.stringContaining('a name of its own by the option consumer'),
      });
      await consumer.close();
      running(create().subscribe(() => true));
      await publish(1);
      await settledWith('handled');
    });

    test('paused, it keeps what runs over idleTimeout, and gives back what waits for a retry', async (context) => {
      needsEntries(context);
      const first = create({ backoff: { delay: 60_000, maxDelay: 60_000 } });
      const slow = gate<boolean>();
      const seen: string[] = [];
      running(
        first.subscribe(({ payload }) => {
          seen.push(`first ${payload as string}`);
          if (payload === 'fails') throw new Error('no');
          return payload === 'slow' ? slow.promise : true;
        }),
      );
      await publish('fails');
      await settledWith('retried');
      await publish('slow');
      await until('slow runs', () => seen.length === 2);
      await first.pause();
      await first.pause();
      const second = create({ consumer: 'c2' });
      running(
        second.subscribe(({ payload }, { attempt }) => {
          seen.push(`second ${payload as string} ${attempt}`);
          return true;
        }),
      );
      await publish('next');
      await settledWith('handled', 2);
      await quiet(3 * IDLE);
      expect(seen.slice(0, 2)).toEqual(['first fails', 'first slow']);
      expect(seen.slice(2).sort()).toEqual(['second fails 2', 'second next 1']);
      slow.open(true);
      await settledWith('handled', 3);
      await second.close();
      await publish('last');
      await quiet(150);
      expect(seen).toHaveLength(4);
      await first.resume();
      await settledWith('handled', 4);
      expect(seen.at(-1)).toBe('first last');
    });

    test('paused, it gives back what has not started, uncharged; alone, it takes it again', async (context) => {
      needsPending(context);
      const open = await takeAllSlots();
      const consumer = create();
      const attempts: number[] = [];
      running(
        consumer.subscribe((_, { attempt }) => {
          attempts.push(attempt);
          return true;
        }),
      );
      await publish('waits');
      await until('it waits', async () => (await consumer.getPending()).length === 1);
      await consumer.pause();
      await settledWith('released');
      open();
      await quiet(3 * IDLE);
      expect(attempts).toEqual([]);
      await consumer.resume();
      await until('it runs', () => attempts.length > 0);
      expect(attempts).toEqual([1]);
    });

    test('wrong options are all named at once', () => {
      const wrong = {
        stream: '',
        streams: ['a', 'a'],
        concurrency: 0,
        nonsense: 1,
        backoff: { jitter: 2 },
      };
      expect(() => create(wrong as never)).toThrow(
        expect.objectContaining({ code: 'INVALID_OPTIONS' }),
      );
      try {
        create(wrong as never);
      } catch (error) {
        expect((error as { problems: string[] }).problems).toHaveLength(5);
      }
    });
  });
}
