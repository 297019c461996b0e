import { afterEach, describe, expect, test } from 'vitest';
import { rawCodec } from '../../lib/core/codecs/raw.codec.js';
import { EventBus } from '../../lib/core/event-bus.js';
import type { Lease } from '../../lib/core/lease.js';
import {
  ack,
  deadLetter,
  leave,
  release,
  retry,
  type HandedOver,
  type Settlement,
  type Unhandled,
} from '../../lib/core/settlement.js';
import type { MessageSource } from '../../lib/ports/source.js';
import type { Subscription } from '../../lib/ports/subscription.js';
import { ManualClock, StreamsTestKit } from '../../lib/drivers/memory/index.js';
import { recordFor } from '../../lib/testing/world/source-world.js';
import { work } from '../support/passing-time.js';

type Handle = (lease: Lease) => Promise<Exclude<Settlement, Unhandled | HandedOver>>;

/** As little of an engine as the kit can be tested with. */
class TinyConsumer {
  readonly events = new EventBus();
  private readonly source: MessageSource;
  private subscription!: Subscription;
  private stopping = false;
  private loop: Promise<void> = Promise.resolve();

  constructor(
    private readonly kit: StreamsTestKit,
    private readonly handle: Handle,
    keyPrefix = '',
  ) {
    this.source = kit.source.open({ events: this.events, keyPrefix }).source;
  }

  async start(...streams: string[]): Promise<void> {
    this.subscription = await this.source.subscribe({
      streams,
      group: 'test',
      consumer: 'tiny',
      startId: '0',
      blockTimeout: 5000,
      idleTimeout: 30_000,
      reclaimInterval: 5000,
    });
    this.loop = this.read();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await this.subscription.stop();
    await this.loop;
    await this.subscription.close();
    await this.source.close();
  }

  private async read(): Promise<void> {
    while (!this.stopping) {
      for (const lease of await this.subscription.pull(10)) void this.run(lease);
    }
  }

  private async run(lease: Lease): Promise<void> {
    if (!lease.charged && (await this.subscription.begin(lease)) !== 'started') return;
    const settlement = await this.handle(lease);
    // The engine, too, lets settlements gather.
    await new Promise((resolve) => setImmediate(resolve));
    if (settlement.kind === 'leave') return this.subscription.forget(lease, true);
    if (settlement.kind === 'lost') return this.subscription.forget(lease);
    await this.source.settle([
      settlement.kind === 'dead-letter'
        ? { lease, settlement, record: recordFor(lease, 'test', 'tiny') }
        : { lease, settlement },
    ]);
    if (settlement.kind === 'retry') {
      this.kit.clock.setTimeout(() => void this.run(lease), settlement.delay);
    }
  }
}

describe('StreamsTestKit', () => {
  const started: TinyConsumer[] = [];
  const consume = async (kit: StreamsTestKit, streams: string[], handle: Handle, prefix = '') => {
    const consumer = new TinyConsumer(kit, handle, prefix);
    await consumer.start(...streams);
    started.push(consumer);
    return consumer;
  };
  afterEach(async () => {
    for (const consumer of started.splice(0)) await consumer.stop();
  });

  describe('publish', () => {
    test('writes with the default codec to the stream of the event type', async () => {
      const kit = new StreamsTestKit();
      const seen: Lease[] = [];
      await consume(kit, ['order.process'], async (lease) => (seen.push(lease), ack));
      const id = await kit.publish('order.process', { a: 1 }, { metadata: { k: 'v' } });
      await kit.idle();
      expect(seen.map((lease) => [lease.id, lease.stream])).toEqual([[id, 'order.process']]);
      const fields = ['event_type', 'order.process', 'payload', '{"a":1}', 'metadata', '{"k":"v"}'];
      expect(seen[0]!.fields).toEqual(fields);
    });

    test('goes by routes, a stream, another codec and a prefix where given', async () => {
      const kit = new StreamsTestKit({
        routes: [{ events: 'issues.*', stream: 'github' }],
        codec: rawCodec,
        keyPrefix: 'app:',
      });
      const seen: unknown[] = [];
      const note: Handle = async ({ stream, fields }) => (seen.push([stream, ...fields!]), ack);
      await consume(kit, ['github', 'named'], note, 'app:');
      await kit.publish('issues.opened', { a: '1' });
      await kit.publish('x', { b: '2' }, { stream: 'named' });
      await kit.idle();
      expect(seen).toEqual([
        ['github', 'event_type', 'issues.opened', 'a', '1'],
        ['named', 'event_type', 'x', 'b', '2'],
      ]);
    });

    test('stamps ids with its own clock', async () => {
      const kit = new StreamsTestKit({ clock: new ManualClock(5000) });
      expect(await kit.publish('a', null)).toBe('5000-0');
      expect(await kit.publish('a', null)).toBe('5000-1');
      await kit.advance(10);
      expect(await kit.publish('a', null)).toBe('5010-0');
    });
  });

  describe('idle', () => {
    test('waits for what runs, in real time too', async () => {
      const kit = new StreamsTestKit();
      let done = false;
      await consume(kit, ['a'], async () => {
        await work(50);
        done = true;
        return ack;
      });
      await kit.publish('a', 1);
      await kit.idle();
      expect(done).toBe(true);
    });

    test('waits for what follows from it', async () => {
      const kit = new StreamsTestKit();
      const seen: string[] = [];
      await consume(kit, ['a', 'b', 'c'], async ({ stream }) => {
        seen.push(stream);
        const next = { a: 'b', b: 'c' }[stream];
        const fields = ['event_type', next!, 'payload', '1'];
        return next ? { ...ack, publish: [{ stream: next, fields }] } : ack;
      });
      await kit.publish('a', 1);
      await kit.idle();
      expect(seen).toEqual(['a', 'b', 'c']);
    });

    test('waits for what comes a little later than the settlement before it', async () => {
      const kit = new StreamsTestKit();
      const turn = () => new Promise((resolve) => setImmediate(resolve));
      let hops = 0;
      await consume(kit, ['a'], async () => {
        if (++hops < 20) {
          void (async () => {
            for (let count = 0; count < 6; count++) await turn();
            await kit.publish('a', hops);
          })();
        }
        return ack;
      });
      await kit.publish('a', 0);
      await kit.idle();
      expect(hops).toBe(20);
    });

    test('waits until everything of a backlog is settled', async () => {
      const kit = new StreamsTestKit();
      for (let count = 0; count < 250; count++) await kit.publish('a', count);
      let settled = 0;
      await consume(kit, ['a'], async () => (settled++, ack));
      await kit.idle();
      expect(settled).toBe(250);
    });

    test('does not wait for a retry that only time can start', async () => {
      const kit = new StreamsTestKit();
      const attempts: number[] = [];
      await consume(kit, ['a'], async ({ attempt }) => {
        attempts.push(attempt);
        return attempt < 3 ? retry(1000) : ack;
      });
      await kit.publish('a', 1);
      await kit.idle();
      expect(attempts).toEqual([1]);
      await kit.advance(999);
      await kit.idle();
      expect(attempts).toEqual([1]);
      await kit.advance(1);
      await kit.idle();
      expect(attempts).toEqual([1, 2]);
      await kit.advance(1000);
      await kit.idle();
      expect(attempts).toEqual([1, 2, 3]);
    });

    test('does not wait for what is left, nor for groups without a reader', async () => {
      const kit = new StreamsTestKit();
      const consumer = await consume(kit, ['a'], async () => leave);
      await kit.publish('a', 1);
      await kit.publish('nobody', 1);
      await kit.idle(500);
      await consumer.stop();
      started.splice(0);
      await kit.publish('a', 2);
      await kit.idle(500);
    });

    test('waits for what was released, where a consumer can take it', async () => {
      const kit = new StreamsTestKit();
      const outcomes: (typeof release | typeof ack)[] = [release, release, ack];
      const attempts: number[] = [];
      await consume(kit, ['a'], async ({ attempt }) => (attempts.push(attempt), outcomes.shift()!));
      await kit.publish('a', 1);
      await kit.idle();
      expect(attempts).toEqual([1, 1, 1]);
    });

    test('names what never ends', async () => {
      const kit = new StreamsTestKit();
      let end = (_: typeof ack): void => undefined;
      await consume(kit, ['a'], () => new Promise((resolve) => (end = resolve)));
      const id = await kit.publish('a', 1);
      const failure = kit.idle(100).catch((error: Error) => error.message);
      expect(await failure).toMatch(`stream "a", group "test": 1 not settled (${id})`);
      end(ack);
      await kit.idle();
    });

    test('names what no consumer reads although one could', async () => {
      const kit = new StreamsTestKit();
      const events = new EventBus();
      const { source } = kit.source.open({ events, keyPrefix: '' });
      const subscription = await source.subscribe({
        streams: ['a'],
        group: 'stuck',
        consumer: 'c',
        startId: '0',
        blockTimeout: 1000,
        idleTimeout: 1000,
        reclaimInterval: 1000,
      });
      await kit.publish('a', 1);
      await kit.publish('a', 2);
      await expect(kit.idle(50)).rejects.toThrow('group "stuck": 2 not read');
      await subscription.stop();
      await kit.idle(500);
    });
  });

  describe('deadLetters', () => {
    test('reads them, of one stream or all', async () => {
      const kit = new StreamsTestKit();
      await consume(kit, ['a', 'b'], async () => deadLetter('unrecoverable'));
      const id = await kit.publish('a', { x: 1 });
      await kit.publish('b', [2]);
      await kit.idle();
      expect(await kit.deadLetters('a')).toMatchObject([
        {
          stream: 'a',
          id,
          group: 'test',
          reason: 'unrecoverable',
          eventType: 'a',
          payload: { x: 1 },
        },
      ]);
      expect((await kit.deadLetters()).map(({ payload }) => payload)).toEqual([{ x: 1 }, [2]]);
      expect(await kit.deadLetters('c')).toEqual([]);
    });

    test('shows the raw fields of one that cannot be read', async () => {
      const kit = new StreamsTestKit({ codec: { ...rawCodec, decode: () => JSON.parse('{') } });
      await consume(kit, ['a'], async () => deadLetter('undecodable'));
      await kit.publish('a', { x: '1' });
      await kit.idle();
      expect(await kit.deadLetters()).toMatchObject([
        { eventType: undefined, payload: undefined, fields: ['x', '1'] },
      ]);
    });
  });

  test('collects settlements that the application reports', async () => {
    const kit = new StreamsTestKit();
    const consumer = await consume(kit, ['a'], async () => ack);
    const event = {
      stream: 'a',
      group: 'test',
      id: '1-0',
      consumer: 'tiny',
      eventType: 'a',
      handler: 'x',
      outcome: 'handled' as const,
      attempt: 1,
      duration: 0,
      publishedAt: 0,
      wait: 0,
      handlerTime: 0,
      messages: 1,
    };
    consumer.events.emit('settled', event);
    expect(kit.settled).toEqual([event]);
  });
});
