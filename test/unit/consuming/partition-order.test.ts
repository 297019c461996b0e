import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Delivery } from '../../../lib/core/delivery.js';
import { ack, type Settlement } from '../../../lib/core/settlement.js';
import { ManualClock, MemoryBroker } from '../../../lib/drivers/memory/index.js';
import type { HandlerOptions } from '../../../lib/options/handler-options.js';
import { StreamsRuntime } from '../../../lib/runtime/streams-runtime.js';
import { gate } from '../../support/engine.js';
import {
  PartitionLog,
  partitionLog,
  type PartitionLogOptions,
} from '../../support/partition-log.js';

let clock: ManualClock;
let broker: MemoryBroker;
let log: PartitionLog;
const open: StreamsRuntime[] = [];

beforeEach(() => of({ partitions: 3 }));
afterEach(async () => {
  await Promise.all(open.splice(0).map((runtime) => close(runtime)));
});

function of(options: PartitionLogOptions): void {
  clock = new ManualClock();
  broker = new MemoryBroker(clock);
  log = new PartitionLog(clock, options);
}

async function close(runtime: StreamsRuntime): Promise<void> {
  const closed = runtime.close();
  for (let turn = 0; turn < 10; turn++) await clock.advance(10_000);
  await closed;
}

type Invoke = (delivery: Delivery) => Promise<Settlement | undefined | void>;

/** A process of the group whose only handler is ordered by `k`. */
async function start(consumer: string, invoke: Invoke, own: HandlerOptions = { orderBy: 'k' }) {
  const runtime = new StreamsRuntime({
    slots: { messageSource: partitionLog(log, broker) },
    ...{ group: 'g', consumer, concurrency: 10, maxDeliveries: 50 },
    ...{ backoff: { delay: 1000, jitter: 0 }, blockTimeout: 100 },
  });
  open.push(runtime);
  const run = async (delivery: Delivery) => (await invoke(delivery)) ?? ack;
  await runtime.start([{ name: 'H.h', events: ['x'], options: own, invoke: run }]);
  return runtime;
}

interface Order {
  readonly k: string;
  readonly n: number;
}

const publish = async (runtime: StreamsRuntime, partition: number, ...orders: Order[]) => {
  for (const payload of orders)
    await runtime.producer.publish({ eventType: 'x', payload, partition });
  await clock.advance(200);
};
const label = ({ message, lease }: Delivery): string => {
  const { k, n } = message.payload as Order;
  return `${lease.partition}${k}${n}`;
};
const a = (n: number): Order => ({ k: 'a', n });
const b = (n: number): Order => ({ k: 'b', n });

describe('orderBy on a source that holds partitions', () => {
  it('orders each key of each partition, and lets all others run beside', async () => {
    const runs: string[] = [];
    const first = gate();
    const one = await start('one', async (delivery) => {
      runs.push(label(delivery));
      if (label(delivery) === '0a1') await first.promise;
    });
    await publish(one, 0, a(1), a(2), b(1));
    await publish(one, 1, a(1));
    expect(runs).toEqual(['0a1', '0b1', '1a1']);
    first.open();
    await clock.advance(200);
    expect(runs).toEqual(['0a1', '0b1', '1a1', '0a2']);
  });

  it('holds back the messages of a key behind one that waits for a retry', async () => {
    of({ partitions: 3, movesFrom: 500 });
    const runs: string[] = [];
    const one = await start('one', async (delivery) => {
      runs.push(label(delivery));
      if (label(delivery) === '0a1' && delivery.attempt < 3) throw new Error('not yet');
    });
    await publish(one, 0, a(1), a(2), b(1));
    expect(runs).toEqual(['0a1', '0b1']);
    await clock.advance(10_000);
    expect(runs).toEqual(['0a1', '0b1', '0a1', '0a1', '0a2']);
  });

  it('keeps the order over a pause while a run goes on', async () => {
    const runs: string[] = [];
    const first = gate();
    const one = await start('one', async (delivery) => {
      runs.push(label(delivery));
      if (label(delivery) === '0a1') await first.promise;
    });
    await publish(one, 0, a(1), a(2), a(3));
    const readings = one.consumers.find('x');
    await one.consumers.pause(readings);
    await one.consumers.resume(readings);
    await publish(one, 0, a(4));
    expect(runs).toEqual(['0a1']);
    first.open();
    await clock.advance(200);
    expect(runs).toEqual(['0a1', '0a2', '0a3', '0a4']);
  });
});

describe('a partition that goes to another consumer', () => {
  it('lets its runs end, gives back the rest, and none of it runs twice or out of order', async () => {
    const runs: string[] = [];
    const first = gate();
    const invoke = (name: string) => async (delivery: Delivery) => {
      runs.push(`${name} ${label(delivery)} ${delivery.attempt}`);
      if (label(delivery) === '1a1') await first.promise;
    };
    const one = await start('one', invoke('one'));
    await publish(one, 1, a(1), a(2), a(3));
    await start('two', invoke('two'));
    await clock.advance(1000);
    expect(runs).toEqual(['one 1a1 1']);
    first.open();
    await clock.advance(1000);
    expect(runs).toEqual(['one 1a1 1', 'two 1a2 1', 'two 1a3 1']);
  });

  it('takes a message that waits for its retry with it, and those behind it', async () => {
    const runs: string[] = [];
    const invoke = (name: string) => async (delivery: Delivery) => {
      runs.push(`${name} ${label(delivery)} ${delivery.attempt}`);
      if (name === 'one') throw new Error('not yet');
    };
    const one = await start('one', invoke('one'));
    await publish(one, 1, a(1), a(2));
    await start('two', invoke('two'));
    await clock.advance(5000);
    expect(runs).toEqual(['one 1a1 1', 'two 1a1 2', 'two 1a2 1']);
  });

  it('aborts the runs that last too long, and starts nothing behind them', async () => {
    of({ partitions: 3, patience: 500 });
    const runs: string[] = [];
    const aborted: unknown[] = [];
    const first = gate();
    const one = await start('one', async (delivery) => {
      runs.push(`one ${label(delivery)}`);
      delivery.signal.addEventListener('abort', () => aborted.push(delivery.signal.reason));
      await first.promise;
    });
    const outcomes: string[] = [];
    one.events.on('settled', ({ outcome }) => outcomes.push(outcome));
    await publish(one, 1, a(1), a(2), b(1));
    await start('two', async (delivery) => void runs.push(`two ${label(delivery)}`));
    await clock.advance(400);
    expect(aborted).toEqual([]);
    await clock.advance(200);
    expect(aborted).toMatchObject([{ code: 'OWNERSHIP_LOST' }, { code: 'OWNERSHIP_LOST' }]);
    first.open();
    await clock.advance(1000);
    expect(runs).toEqual(['one 1a1', 'one 1b1', 'two 1a1', 'two 1b1', 'two 1a2']);
    expect(outcomes).toEqual(['released', 'lost', 'lost']);
  });

  it('runs its collected batch at once', async () => {
    const batches: number[] = [];
    const one = await startBatches('one', batches);
    await publish(one, 1, a(1), a(2));
    expect(batches).toEqual([]);
    await startBatches('two', []);
    await clock.advance(50);
    expect(batches).toEqual([2]);
  });

  it('leaves the runs of other partitions alone', async () => {
    const first = gate();
    let aborted = false;
    const one = await start('one', async ({ signal, lease }) => {
      signal.addEventListener('abort', () => (aborted = true));
      if (lease.partition === '0') await first.promise;
    });
    await publish(one, 0, a(1));
    const seen: string[] = [];
    await start('two', async (delivery) => void seen.push(label(delivery)));
    await clock.advance(100);
    await publish(one, 1, a(1));
    expect(seen).toEqual(['1a1']);
    first.open();
    await clock.advance(100);
    expect(aborted).toBe(false);
  });
});

async function startBatches(consumer: string, batches: number[]): Promise<StreamsRuntime> {
  const runtime = new StreamsRuntime({
    slots: { messageSource: partitionLog(log, broker) },
    ...{ group: 'g', consumer, blockTimeout: 100 },
  });
  open.push(runtime);
  const options = { batch: { size: 10, maxWait: 60_000 } };
  const invokeBatch = async (items: readonly unknown[]) => void batches.push(items.length);
  const invoke = async () => ack;
  await runtime.start([{ name: 'H.h', events: ['x'], options, invoke, invokeBatch }]);
  return runtime;
}

describe('a retry that the source moves aside', () => {
  it('frees its place, runs later with its count, and is no suspect', async () => {
    of({ partitions: 1, movesFrom: 500 });
    const runs: string[] = [];
    const outcomes: string[] = [];
    const one = await start(
      'one',
      async (delivery) => {
        runs.push(`${label(delivery)} ${delivery.attempt} ${delivery.suspect}`);
        if (label(delivery) === '0a1' && delivery.attempt < 3) throw new Error('not yet');
      },
      {},
    );
    one.events.on('settled', ({ outcome }) => outcomes.push(outcome));
    await publish(one, 0, a(1), a(2));
    expect(runs).toEqual(['0a1 1 false', '0a2 1 false']);
    await clock.advance(10_000);
    expect(runs.slice(2)).toEqual(['0a1 2 false', '0a1 3 false']);
    expect(outcomes).toEqual(['retried', 'handled', 'retried', 'handled']);
  });
});

describe('a key', () => {
  it('gives messages one partition, is seen by the handler', async () => {
    const seen: unknown[] = [];
    const one = await start(
      'one',
      async ({ lease: { key, partition } }) => void seen.push([key, partition]),
      {},
    );
    for (const key of ['a', 'b', 'a', 'b'])
      await one.producer.publish({ eventType: 'x', payload: a(1), key });
    await clock.advance(200);
    expect(seen).toHaveLength(4);
    expect(new Set(seen.map(String)).size).toBe(2);
  });
});
