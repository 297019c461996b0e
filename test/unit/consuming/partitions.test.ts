import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock, MemoryBroker } from '../../../lib/drivers/memory/index.js';
import { ack, type Settlement } from '../../../lib/core/settlement.js';
import type { Delivery } from '../../../lib/core/delivery.js';
import { StreamsRuntime } from '../../../lib/runtime/streams-runtime.js';
import { partitioned } from '../../support/partitioned.js';

/** Two processes of one group on a source that holds partitions. */
describe('on a source that holds partitions', () => {
  let clock: ManualClock;
  let source: ReturnType<typeof partitioned>;
  const open: StreamsRuntime[] = [];

  beforeEach(() => {
    clock = new ManualClock();
    source = partitioned(new MemoryBroker(clock));
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((runtime) => close(runtime)));
  });

  async function close(runtime: StreamsRuntime): Promise<void> {
    const closed = runtime.close();
    for (let turn = 0; turn < 10; turn++) await clock.advance(10_000);
    await closed;
  }

  async function start(
    consumer: string,
    invoke: (delivery: Delivery) => Promise<Settlement>,
  ): Promise<StreamsRuntime> {
    const runtime = new StreamsRuntime({
      slots: { messageSource: source.factory },
      ...{ group: 'g', consumer, idleTimeout: 1000, backoff: { delay: 100, jitter: 0 } },
    });
    open.push(runtime);
    await runtime.start([{ name: 'H.h', events: ['x'], options: { concurrency: 1 }, invoke }]);
    return runtime;
  }
  const publish = async (runtime: StreamsRuntime, ...payloads: number[]) => {
    for (const payload of payloads) await runtime.producer.publish({ eventType: 'x', payload });
  };
  const noting = (seen: unknown[]) => async (delivery: Delivery) => {
    seen.push(delivery.message.payload);
    return ack;
  };

  it('one consumer has all, and another one goes on where it closed, in order', async () => {
    const [first, second]: [unknown[], unknown[]] = [[], []];
    const one = await start('one', noting(first));
    const two = await start('two', noting(second));
    await publish(one, 1, 2, 3);
    await clock.advance(100);
    expect([first, second]).toEqual([[1, 2, 3], []]);
    await close(one);
    await publish(two, 4, 5);
    await clock.advance(100);
    expect([first, second]).toEqual([
      [1, 2, 3],
      [4, 5],
    ]);
  });

  it('a process that dies with a retry parked and a run under way loses neither', async () => {
    const seen: unknown[] = [];
    const one = await start('one', async ({ message, attempt }) => {
      if (message.payload === 1 && attempt === 1) throw new Error('later');
      return new Promise(() => undefined);
    });
    await publish(one, 1, 2, 3);
    await clock.advance(10);
    await start('two', noting(seen));
    await source.vanish(one.driver);
    await clock.advance(900);
    expect(seen).toEqual([]);
    await clock.advance(5000);
    expect(new Set(seen)).toEqual(new Set([1, 2, 3]));
    expect(seen).toHaveLength(3);
  });

  it('a run whose partition has moved is aborted, and what it settles is lost', async () => {
    let aborted: unknown;
    let finish!: (settlement: Settlement) => void;
    const one = await start('one', async ({ signal }) => {
      signal.addEventListener('abort', () => (aborted = signal.reason));
      return new Promise<Settlement>((resolve) => (finish = resolve));
    });
    const outcomes: string[] = [];
    one.events.on('settled', ({ outcome }) => outcomes.push(outcome));
    await publish(one, 1);
    await clock.advance(10);
    let taken = false;
    await start('two', () => {
      taken = true;
      return new Promise(() => undefined);
    });
    await source.vanish(one.driver);
    await clock.advance(10_000);
    expect(taken).toBe(true);
    expect(aborted).toMatchObject({ code: 'OWNERSHIP_LOST' });
    finish(ack);
    await clock.advance(10);
    expect(outcomes).not.toContain('handled');
  });
});
