import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { memory } from '../../lib/drivers/memory/index.js';
import { ack, type Settlement } from '../../lib/core/settlement.js';
import { UnrecoverableError } from '../../lib/core/errors/handling.errors.js';
import { UnsupportedFeatureError } from '../../lib/core/errors/start-up.errors.js';
import type { SourceCapabilities } from '../../lib/ports/source-capabilities.js';
import { StreamConsumers } from '../../lib/runtime/stream-consumers/stream-consumers.js';
import type { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import { World, type EngineHandler, type EngineOptions } from '../support/engine.js';
import { inAllSlots } from '../support/in-all-slots.js';
import { narrowed } from '../support/narrowed.js';

/** How the engine keeps to what a source cannot do. */
describe('a message source that', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });
  afterEach(() => world.close());

  const sourceWith = (capabilities: Partial<SourceCapabilities>) =>
    narrowed(memory({ broker: world.broker }), { technology: 'narrow', ...capabilities });
  const slotsWith = (capabilities: Partial<SourceCapabilities>) =>
    inAllSlots(sourceWith(capabilities));
  const runtimeWith = (
    capabilities: Partial<SourceCapabilities>,
    options: EngineOptions = {},
  ): StreamsRuntime => world.runtime({ slots: slotsWith(capabilities), ...options });
  const handler = (options: EngineHandler['options'] = {}) => ({
    ...{ name: 'H.h', events: ['x'], options },
    invoke: async (): Promise<Settlement> => ack,
  });
  const warningsOf = async (runtime: StreamsRuntime) => {
    const codes: [code: string, message: string][] = [];
    runtime.events.on('warning', ({ code, message }) => codes.push([code, message]));
    await runtime.start([handler()]);
    return codes;
  };

  describe('bounds messages', () => {
    it('lowers a default that is above it', () => {
      expect(runtimeWith({ maxPayload: 1000 }).options.maxPayloadBytes).toBe(1000);
      expect(runtimeWith({ maxPayload: 10_000_000 }).options.maxPayloadBytes).toBe(1_048_576);
      expect(runtimeWith({}).options.maxPayloadBytes).toBe(1_048_576);
    });

    it('refuses an option that is above it', () => {
      const made = (maxPayloadBytes: number) =>
        runtimeWith({ maxPayload: 1000 }, { maxPayloadBytes });
      expect(() => made(1001)).toThrow(
        'maxPayloadBytes must be at most 1000, the most that narrow takes for a whole message, not 1001',
      );
      expect(made(1000).options.maxPayloadBytes).toBe(1000);
    });

    it('refuses a message that is too large with its envelope', async () => {
      const { producer } = runtimeWith({ maxPayload: 100 });
      const publish = (length: number) =>
        producer.publish({ eventType: 'x', payload: 'a'.repeat(length) });
      // event_type, x, payload, and two quotes.
      const envelope = 10 + 1 + 7 + 2;
      await publish(100 - envelope);
      await expect(publish(101 - envelope)).rejects.toMatchObject({
        ...{ code: 'PAYLOAD_TOO_LARGE', size: 101, limit: 100, eventType: 'x' },
        message: expect.stringContaining('narrow takes 100') as string,
      });
      const keyed = { eventType: 'x', payload: 'a'.repeat(80), idempotencyKey: 'key' };
      await expect(producer.publish(keyed)).rejects.toMatchObject({ limit: 100 });
    });
  });

  describe('has a window of its own for idempotency keys', () => {
    it('is asked for that window', () => {
      const { options, producer } = runtimeWith({ idempotentPublish: 'native' });
      expect(options.idempotencyWindow).toBe('native');
      const entry = producer.encode({ eventType: 'x', payload: 1, idempotencyKey: 'k' });
      expect(entry.idempotency).toEqual({ key: 'k', window: 'native' });
    });

    it('refuses another window', () => {
      const made = (idempotencyWindow: number | 'native') =>
        runtimeWith({ idempotentPublish: 'native' }, { idempotencyWindow });
      expect(() => made(1000)).toThrow(
        "idempotencyWindow must be 'native', not 1000: narrow remembers keys for a window of its own",
      );
      expect(made('native').options.idempotencyWindow).toBe('native');
    });

    it('is asked for that window by the hooks of failed steps', async () => {
      const windows: unknown[] = [];
      const runtime = runtimeWith({ idempotentPublish: 'native' });
      const { source } = runtime.driver;
      const publish = source.publish.bind(source);
      source.publish = (entries) => {
        windows.push(...entries.flatMap(({ idempotency }) => idempotency?.window ?? []));
        return publish(entries);
      };
      const fail = async () => {
        throw new UnrecoverableError('no');
      };
      await runtime.start([{ ...handler(), chains: true, invoke: fail }]);
      const { workflows } = runtime.chaining;
      await workflows.start('x', {}, { onFailure: 'failed' });
      await world.settle();
      expect(windows).toContain('native');
      expect(new Set(windows)).toEqual(new Set(['native']));
    });
  });

  it('delivers at most once says so at start, once', async () => {
    const runtime = runtimeWith({ delivery: 'at-most-once' });
    const warnings = await warningsOf(runtime);
    expect(warnings).toEqual([['AT_MOST_ONCE', expect.stringContaining('lost on narrow')]]);
    const more = new StreamConsumers(runtime).create({ stream: 'y' });
    await more.start(() => true);
    expect(warnings).toHaveLength(1);
  });

  it('keeps no messages says so at start, once', async () => {
    const runtime = runtimeWith({ delivery: 'at-most-once', positions: 'none' });
    expect(await warningsOf(runtime)).toEqual([
      ['AT_MOST_ONCE', expect.stringContaining('on narrow, which keeps none')],
    ]);
  });

  describe('does not remember positions', () => {
    it('is refused at start without a state store', async () => {
      const slots = { messageSource: sourceWith({ positions: 'engine' }) };
      const runtime = world.runtime({ slots: { ...slots, stateStore: undefined } as never });
      await expect(runtime.start([handler()])).rejects.toMatchObject({
        ...{ code: 'MISSING_SLOT', slot: 'stateStore' },
        message: expect.stringContaining('narrow does not remember how far a group') as string,
      });
    });

    it('publishes without a state store', async () => {
      const slots = { messageSource: sourceWith({ positions: 'engine' }) };
      const runtime = world.runtime({ slots: { ...slots, stateStore: undefined } as never });
      await runtime.producer.publish({ eventType: 'x', payload: 1 });
    });
  });

  describe('cannot leave an entry pending', () => {
    const refusal = "The option unmatched: 'leave' is not available on narrow.";

    it("refuses unmatched: 'leave' at start", async () => {
      const runtime = runtimeWith({ leaves: false }, { unmatched: 'leave' });
      const starting = runtime.start([handler()]);
      await expect(starting).rejects.toThrow(UnsupportedFeatureError);
      await expect(starting).rejects.toThrow(refusal);
    });

    it("refuses a consumer with unmatched: 'leave' at its start", async () => {
      const consumers = new StreamConsumers(runtimeWith({ leaves: false }));
      const consumer = consumers.create({ stream: 's', unmatched: 'leave' });
      await expect(consumer.start(() => true)).rejects.toThrow(refusal);
    });

    it('dead-letters a message whose callback answers false, and says why', async () => {
      const runtime = runtimeWith({ leaves: false });
      const consumer = new StreamConsumers(runtime).create({ stream: 's' });
      await consumer.start(() => false);
      await runtime.producer.publish({ eventType: 's', payload: 1 });
      await world.settle();
      expect((await runtime.admin.deadLetters.list('s')).items).toMatchObject([
        { error: { message: expect.stringContaining('narrow cannot keep a single') as string } },
      ]);
    });

    it('takes all else', async () => {
      const runtime = runtimeWith({ leaves: false }, { unmatched: 'ack' });
      await runtime.start([handler()]);
    });
  });

  it.each<[string, Partial<SourceCapabilities>]>([
    ['does not keep the order of what was released', { keepsReleasedOrder: false }],
    [
      'holds partitions, and does not keep that order',
      { holds: 'partition', leaves: false, keepsReleasedOrder: false },
    ],
    ['hands out retries by itself', { redelivers: true }],
  ])('%s: refuses orderBy at start', async (_, capabilities) => {
    const runtime = runtimeWith(capabilities);
    const starting = runtime.start([handler({ orderBy: () => 'k' })]);
    await expect(starting).rejects.toThrow(UnsupportedFeatureError);
    await expect(starting).rejects.toThrow('The handler option orderBy is not available on narrow');
  });

  it('has no partitions: refuses to publish to one, and ignores a key', async () => {
    const { producer } = runtimeWith({});
    const message = { eventType: 'x', payload: 1 };
    expect(await producer.publish({ ...message, key: 'k' })).toBeTypeOf('string');
    await expect(producer.publish({ ...message, partition: 0 })).rejects.toThrow(
      'Publishing to a partition is not available on narrow. Publish without partition.',
    );
  });

  describe.each<[string, Partial<SourceCapabilities>]>([
    ['does not keep the order of what was released', { keepsReleasedOrder: false }],
    ['holds partitions', { holds: 'partition', leaves: false }],
  ])('%s', (_, capabilities) => {
    it('refuses a load balancer', () => {
      const join = () => runtimeWith(capabilities).balanced.join({ service: 's', consumerId: 'c' });
      expect(join).toThrow(UnsupportedFeatureError);
      expect(join).toThrow('Balancing streams is not available on narrow');
    });
  });

  describe('holds partitions', () => {
    const partition = { holds: 'partition', leaves: false } as const;

    it('says at start what that means, in place of the warning on live consumers', async () => {
      const warnings = await warningsOf(runtimeWith(partition));
      const message = expect.stringContaining('On narrow a consumer holds whole partitions');
      expect(warnings).toEqual([['HOLDS_PARTITIONS', message]]);
    });

    it('hands no message to another consumer: what is not handled here is unmatched', async () => {
      const one = runtimeWith(partition, { consumer: 'one' });
      const two = runtimeWith(partition, { consumer: 'two' });
      const seen: string[] = [];
      const on = (event: string) => ({
        ...handler({ streams: ['s'] }),
        ...{ name: `H.${event}`, events: [event] },
        invoke: async () => {
          seen.push(event);
          return ack;
        },
      });
      const outcomes: string[] = [];
      for (const runtime of [one, two]) {
        runtime.events.on('settled', ({ outcome }) => outcomes.push(outcome));
      }
      await one.start([on('a')]);
      await two.start([on('b')]);
      for (const eventType of ['a', 'b', 'a', 'b']) {
        await one.producer.publish({ eventType, stream: 's', payload: 1 });
      }
      await world.clock.advance(60_000);
      expect(outcomes).toHaveLength(4);
      expect(outcomes.every((outcome) => ['handled', 'filtered'].includes(outcome))).toBe(true);
      expect(seen.length + outcomes.filter((outcome) => outcome === 'filtered').length).toBe(4);
    });

    it('runs messages again after a failure, and dead-letters them at the limit', async () => {
      let runs = 0;
      const runtime = runtimeWith(partition, { maxDeliveries: 3 });
      const fail = async () => {
        runs++;
        throw new Error('no');
      };
      await runtime.start([{ ...handler(), invoke: fail }]);
      await runtime.producer.publish({ eventType: 'x', payload: 1 });
      await world.clock.advance(60_000);
      expect(runs).toBe(3);
      expect((await runtime.admin.deadLetters.list('x')).items).toHaveLength(1);
    });
  });
});
