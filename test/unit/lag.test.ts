import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RedisConnectionError } from '../../lib/drivers/redis/errors/redis-connection.errors.js';
import type { StreamReport } from '../../lib/ports/group-admin.js';
import type { StreamLagExceeded } from '../../lib/core/lag.js';
import type { LagThreshold } from '../../lib/options/lag-options.js';
import type { StreamsEvents } from '../../lib/core/events.js';
import { memory } from '../../lib/drivers/memory/index.js';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import { driverWith } from '../support/driver-with.js';
import { World } from '../support/engine.js';
import { inAllSlots } from '../support/in-all-slots.js';

describe('lag', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });
  afterEach(() => world.close());

  /** An engine that consumes `orders`, with a further group of it that has no reader. */
  async function start(thresholds: readonly LagThreshold[] = []) {
    const engine = await world.start([{ events: ['orders'], invoke: () => undefined }], {
      lag: { interval: 1000, thresholds },
    });
    const { runtime } = engine;
    const groups = runtime.driver.groups!;
    await groups.create('orders', 'slow', { startId: '0', createStream: true });
    const changes: StreamLagExceeded[] = [];
    runtime.events.on('stream-lag', (event) => changes.push(event));
    const publish = async (count: number) => {
      const batch = Array.from({ length: count }, () => ({ eventType: 'orders', payload: 1 }));
      const ids = (await runtime.producer.publishBatch(batch)) as string[];
      await world.settle();
      return ids;
    };
    /** What has changed since the last time, once a reading has been made. */
    const changed = async () => {
      await world.clock.advance(1000);
      return changes.splice(0).map(({ severity, lag, recovered }) => [severity, lag, recovered]);
    };
    return { runtime, groups, publish, changes, changed };
  }

  it('is read for each group of the streams consumed here, or of those asked for', async () => {
    const { runtime, publish } = await start();
    const subscription = await runtime.driver.source.subscribe({
      ...runtime.options,
      streams: ['orders'],
      group: 'holds',
      consumer: 'c',
    });
    await publish(3);
    await world.clock.advance(100);
    await subscription.pull(1);
    await world.clock.advance(50);
    const none = { lag: 0, timeLag: 0, pending: 0, oldestPendingAge: 0 };
    const orders = { stream: 'orders', length: 3 };
    const expected = [
      { ...orders, group: 'g', ...none, consumers: 1 },
      { ...orders, group: 'slow', ...none, lag: 3, timeLag: 150, consumers: 0 },
      {
        ...orders,
        ...{ group: 'holds', lag: 2, timeLag: 150, consumers: 1 },
        ...{ pending: 1, oldestPendingAge: 150 },
      },
    ];
    expect(await runtime.lag.read()).toEqual(expected);
    expect(await runtime.lag.read(['missing', 'orders'])).toEqual(expected);
    expect(await runtime.lag.read([])).toEqual([]);
    await subscription.stop();
    await subscription.close();
  });

  it('beyond a threshold is told once, and once when it has recovered', async () => {
    const { groups, publish, changed } = await start([{ warning: 10, critical: 20 }]);
    const ids = await publish(10);
    expect(await changed()).toEqual([]);
    ids.push(...(await publish(1)));
    expect(await changed()).toEqual([['WARNING', 11, false]]);
    expect(await changed()).toEqual([]);
    await groups.setPosition('orders', 'slow', ids[1]!);
    // 9 is below the threshold, and not below 80 % of it.
    expect(await changed()).toEqual([]);
    ids.push(...(await publish(12)));
    expect(await changed()).toEqual([['CRITICAL', 21, false]]);
    await groups.setPosition('orders', 'slow', ids.at(-9)!);
    expect(await changed()).toEqual([
      ['WARNING', 8, true],
      ['CRITICAL', 8, true],
    ]);
    expect(await changed()).toEqual([]);
    await publish(3);
    expect(await changed()).toEqual([['WARNING', 11, false]]);
  });

  it('tells which group of which stream, and what the limit is', async () => {
    const { publish, changes } = await start([
      { streams: 'ord*', groups: ['nobody', 's*'], critical: 1 },
      { streams: 'other', warning: 0 },
    ]);
    await publish(2);
    await world.clock.advance(1000);
    expect(changes).toEqual([
      {
        ...{ type: 'STREAM_LAG', stream: 'orders', consumerGroup: 'slow', lag: 2 },
        ...{ severity: 'CRITICAL', threshold: 1, recovered: false },
      },
    ]);
  });

  it('of a group that is gone has recovered', async () => {
    const { groups, publish, changed } = await start([{ warning: 1 }]);
    await publish(2);
    expect(await changed()).toEqual([['WARNING', 2, false]]);
    await groups.delete('orders', 'slow');
    expect(await changed()).toEqual([['WARNING', 0, true]]);
    expect(await changed()).toEqual([]);
  });

  it('of a stream that is named is watched where it is not consumed', async () => {
    const { runtime, changes } = await start([{ streams: 'far', warning: 0 }]);
    await runtime.driver.groups!.create('far', 'g', { startId: '0', createStream: true });
    await runtime.producer.publish({ eventType: 'far', payload: 1 });
    await world.clock.advance(1000);
    expect(changes).toMatchObject([{ stream: 'far', lag: 1 }]);
  });

  /** A runtime whose reports a test makes up. */
  async function reporting(
    describeStreams: (streams: readonly string[]) => Promise<(StreamReport | undefined)[]>,
    thresholds: readonly LagThreshold[] = [],
  ) {
    const source = driverWith(memory({ broker: world.broker }), ({ groups }) => ({
      groups: { ...groups, describe: describeStreams },
    }));
    const runtime = new StreamsRuntime({
      slots: inAllSlots(source),
      lag: { interval: 1000, thresholds },
    });
    const changes: StreamLagExceeded[] = [];
    runtime.events.on('stream-lag', (event) => changes.push(event));
    const errors: StreamsEvents['worker-error'][] = [];
    runtime.events.on('worker-error', (event) => errors.push(event));
    return { runtime, changes, errors };
  }

  const report = (stream: string, lag: number | null): StreamReport => ({
    ...{ stream, length: 9, entriesAdded: 9, lastId: '9-0', firstId: '1-0' },
    furthestBehind: undefined,
    groups: [
      {
        ...{ name: 'g', consumers: 0, pending: 0, lastDeliveredId: '0-0', entriesRead: null, lag },
        ...{ oldestPendingId: undefined, oldestPendingAge: 0 },
        ...{ oldestUndeliveredId: '1-0', oldestUndeliveredAge: 8 },
      },
    ],
  });

  it('that is not known stays so, and is no news', async () => {
    const lags = [5, null, 5, 0, null];
    const thresholds = [{ streams: 'a', warning: 1 }];
    const { runtime, changes } = await reporting(async () => [report('a', lags[0]!)], thresholds);
    await runtime.lag.start();
    for (; lags.length > 0; lags.shift()) await world.clock.advance(1000);
    expect(changes.map(({ lag, recovered }) => [lag, recovered])).toEqual([
      [5, false],
      [0, true],
    ]);
    lags.push(null);
    expect(await runtime.lag.read(['a'])).toMatchObject([{ lag: null, timeLag: 8 }]);
    await runtime.close();
  });

  it('in time counts what is not settled, also where the lag is not known', async () => {
    const waits = report('a', null);
    const [group] = waits.groups;
    const of = (ids: Partial<StreamReport['groups'][number]>): StreamReport => ({
      ...waits,
      groups: [{ ...group!, ...ids }],
    });
    const reports = [
      waits,
      waits,
      of({ oldestUndeliveredAge: 0, oldestPendingId: '2-0', oldestPendingAge: 7, pending: 1 }),
      of({ oldestUndeliveredId: '7-0', oldestUndeliveredAge: 2 }),
    ];
    const thresholds = [{ streams: 'a', maxAge: 5 }];
    const { runtime, changes } = await reporting(async () => [reports[0]], thresholds);
    await runtime.lag.start();
    for (; reports.length > 0; reports.shift()) await world.clock.advance(1000);
    const limit = { severity: 'CRITICAL', threshold: 5, lag: null };
    expect(changes).toMatchObject([
      { ...limit, age: 8, recovered: false },
      { ...limit, age: 2, recovered: true },
    ]);
    await runtime.close();
  });

  it('is read again and again only while there are subscribers', async () => {
    let reads = 0;
    const { runtime } = await reporting(async (streams) => {
      reads++;
      return streams.map(() => undefined);
    });
    await runtime.lag.start();
    await world.clock.advance(60_000);
    expect(reads).toBe(0);
    const consumed = [{ name: 'H.h', events: ['a'], options: {}, invoke: async () => undefined }];
    await runtime.start(consumed as never);
    const seen: number[] = [];
    const first = runtime.lag.follow((lags) => seen.push(lags.length));
    const second = runtime.lag.follow(() => undefined);
    await world.clock.advance(10_000);
    expect(reads).toBeGreaterThanOrEqual(10);
    expect(reads).toBeLessThanOrEqual(14);
    expect(seen).toHaveLength(reads);
    first();
    const before = reads;
    await world.clock.advance(3000);
    expect(reads).toBeGreaterThan(before);
    second();
    await world.settle();
    const after = reads;
    await world.clock.advance(60_000);
    expect(reads).toBe(after);
    runtime.lag.follow(() => undefined)();
    const closing = runtime.close();
    await world.clock.advance(60_000);
    await closing;
    expect(reads).toBeLessThanOrEqual(after + 1);
  });

  it.each([
    ['of a stream that cannot be read', new Error('no stream')],
    ['of a node that is away', new RedisConnectionError('not-sent', 'describing a stream')],
  ])('%s does not hide the others, and is tried again', async (_, problem) => {
    let broken = true;
    const { runtime, changes, errors } = await reporting(
      async (streams) => {
        if (broken && streams.includes('bad')) throw problem;
        return streams.map((stream) => report(stream, 5));
      },
      [{ streams: ['bad', 'good'], warning: 1 }],
    );
    await runtime.lag.start();
    await world.settle();
    expect(changes.map(({ stream }) => stream)).toEqual(['good']);
    expect(errors).toEqual([{ worker: 'lag monitor', error: problem }]);
    broken = false;
    await world.clock.advance(1000);
    expect(changes.map(({ stream }) => stream)).toEqual(['good', 'bad']);
    await runtime.close();
  });

  it('that cannot be read at all is left out', async () => {
    const away = new RedisConnectionError('not-sent', 'describing a stream');
    const { runtime, errors } = await reporting(
      () => Promise.reject(away),
      [{ streams: ['a', 'b'], warning: 1 }],
    );
    const readings: unknown[] = [];
    runtime.lag.follow((lags) => readings.push(lags));
    await world.settle();
    expect(readings).toEqual([]);
    expect(errors).toEqual([{ worker: 'lag monitor', error: away }]);
    await runtime.close();
  });

  it('of a stream that cannot be read any more has not recovered', async () => {
    let broken = false;
    const { runtime, changes } = await reporting(
      async (streams) => {
        if (broken && streams.includes('bad')) throw new Error('no stream');
        return streams.map((stream) => report(stream, 5));
      },
      [{ streams: ['bad', 'good'], warning: 1 }],
    );
    await runtime.lag.start();
    await world.settle();
    broken = true;
    await world.clock.advance(2000);
    broken = false;
    await world.clock.advance(2000);
    const told = changes.map(({ stream, recovered }) => [stream, recovered]);
    expect(told).toEqual([
      ['bad', false],
      ['good', false],
    ]);
    await runtime.close();
  });

  it('is checked: the options, and whether the driver knows it', async () => {
    const lag = {
      interval: 0,
      recovery: 2,
      thresholds: [{ warning: 1.5 }, {}, { critical: 1, streams: [''] }],
    };
    expect(() => world.runtime({ lag })).toThrow(
      expect.objectContaining({
        problems: [
          'lag.interval must be a whole number of at least 1, not 0',
          'lag.recovery must be between 0 and 1, not 2',
          'lag.thresholds[0].warning must be a whole number of at least 0, not 1.5',
          'lag.thresholds[1].warning, critical or maxAge must say how much is too much',
          'lag.thresholds[2].streams[0] must be a text that is not empty, not ""',
        ],
      }),
    );
    const source = driverWith(memory(), () => ({ groups: undefined }));
    const unsupported = expect.objectContaining({ code: 'UNSUPPORTED_FEATURE' });
    expect(
      () =>
        new StreamsRuntime({ slots: inAllSlots(source), lag: { thresholds: [{ warning: 1 }] } }),
    ).toThrow(unsupported);
    await expect(new StreamsRuntime({ slots: inAllSlots(source) }).lag.read()).rejects.toEqual(
      unsupported,
    );
  });
});
