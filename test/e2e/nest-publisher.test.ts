import { Controller, Injectable } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import {
  PublishBatchError,
  StreamContext,
  StreamHandler,
  StreamPublisher,
  type BatchItem,
} from 'nestjs-redis-streams';
import { memory } from 'nestjs-redis-streams/memory';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { driverWith } from '../support/driver-with.js';
import { startApp } from '../support/nest-app.js';

interface Order {
  readonly id: number;
}

interface Events {
  'order.process': Order;
  'email.send': { readonly to: string };
}

@Injectable()
class Shop {
  constructor(readonly publisher: StreamPublisher<Events>) {}
}

async function shop(options = {}) {
  const seen: unknown[] = [];
  @Controller()
  class Everything {
    @StreamHandler({ streams: ['order.process', 'email.send', 'mail'] })
    handle(@Payload() payload: unknown, @Ctx() { message }: StreamContext): void {
      seen.push([message.stream, message.eventType, payload, message.metadata]);
    }
  }
  const { app, kit } = await startApp({ controllers: [Everything], providers: [Shop], options });
  return { publisher: app.get(Shop).publisher, seen, kit };
}

describe('StreamPublisher', () => {
  it('publishes, and answers the id', async () => {
    const { publisher, seen, kit } = await shop();
    expect(await publisher.publish('order.process', { id: 1 })).toMatch(/^\d+-\d+$/);
    await publisher.publish(
      'email.send',
      { to: 'a' },
      { stream: 'mail', metadata: { tenant: 'b' } },
    );
    await kit.idle();
    // Different streams have no order between them.
    expect(seen).toHaveLength(2);
    expect(seen).toContainEqual(['order.process', 'order.process', { id: 1 }, {}]);
    expect(seen).toContainEqual(['mail', 'email.send', { to: 'a' }, { tenant: 'b' }]);
  });

  it('rejects what is too large', async () => {
    const { publisher } = await shop({ maxPayloadBytes: 20 });
    await expect(publisher.publish('email.send', { to: 'x'.repeat(20) })).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      eventType: 'email.send',
      limit: 20,
    });
  });

  it('publishes a batch in its order', async () => {
    const { publisher, seen, kit } = await shop();
    const ids = await publisher.publishBatch([
      { eventType: 'order.process', payload: { id: 1 } },
      { eventType: 'email.send', payload: { to: 'a' }, stream: 'mail' },
      { eventType: 'order.process', payload: { id: 2 }, metadata: { tenant: 'b' } },
    ]);
    await kit.idle();
    expect(ids).toHaveLength(3);
    expect(seen.filter((entry) => (entry as string[])[0] === 'order.process')).toEqual([
      ['order.process', 'order.process', { id: 1 }, {}],
      ['order.process', 'order.process', { id: 2 }, { tenant: 'b' }],
    ]);
    expect(await publisher.publishBatch([])).toEqual([]);
  });

  it('makes one message of all publications with one key, within the window', async () => {
    const { publisher, seen, kit } = await shop({ idempotencyWindow: 1000 });
    const once = { idempotencyKey: 'order-1' };
    const id = await publisher.publish('order.process', { id: 1 }, once);
    expect(await publisher.publish('order.process', { id: 1 }, once)).toBe(id);
    const ids = await publisher.publishBatch([
      { eventType: 'order.process', payload: { id: 1 }, ...once },
      { eventType: 'order.process', payload: { id: 2 }, idempotencyKey: 'order-2' },
      { eventType: 'order.process', payload: { id: 2 }, idempotencyKey: 'order-2' },
      { eventType: 'order.process', payload: { id: 3 } },
    ]);
    expect(ids).toEqual([id, ids[1], ids[1], expect.any(String)]);
    await kit.advance(1000);
    expect(await publisher.publish('order.process', { id: 4 }, once)).not.toBe(id);
    await kit.idle();
    expect(seen.map((one) => (one as unknown[])[2])).toEqual([1, 2, 3, 4].map((n) => ({ id: n })));
  });

  it.each(['', 'x'.repeat(1025), 7 as never])('refuses %j as a key', async (idempotencyKey) => {
    const { publisher } = await shop();
    await expect(
      publisher.publish('order.process', { id: 1 }, { idempotencyKey }),
    ).rejects.toMatchObject({ code: 'INVALID_MESSAGE' });
  });

  it('refuses a key where the driver could not keep to it', async () => {
    const source = driverWith(memory(), ({ source: own }) => {
      Object.assign(own, { capabilities: { ...own.capabilities, idempotentPublish: false } });
    });
    const { publisher } = await shop({ slots: { messageSource: source } });
    await expect(
      publisher.publish('order.process', { id: 1 }, { idempotencyKey: 'k' }),
    ).rejects.toMatchObject({ code: 'UNSUPPORTED_FEATURE' });
  });

  it('sends nothing of a batch that cannot be encoded', async () => {
    const { publisher, seen, kit } = await shop({ maxPayloadBytes: 20 });
    const batch: BatchItem<Events>[] = [
      { eventType: 'order.process', payload: { id: 1 } },
      { eventType: 'email.send', payload: { to: 'x'.repeat(20) } },
    ];
    await expect(publisher.publishBatch(batch)).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
    });
    await kit.idle();
    expect(seen).toEqual([]);
  });

  it('tells the fate of each message where the server refused some', async () => {
    const refused = new Error('refused');
    const source = driverWith(memory(), ({ source: own }) => {
      own.publish = async (entries) =>
        entries.map(({ stream }, index) => (stream === 'mail' ? refused : `1-${index}`));
    });
    const { publisher } = await shop({ slots: { messageSource: source } });
    const publishing = publisher.publishBatch([
      { eventType: 'order.process', payload: { id: 1 } },
      { eventType: 'email.send', payload: { to: 'a' }, stream: 'mail' },
    ]);
    await expect(publishing).rejects.toBeInstanceOf(PublishBatchError);
    await expect(publishing).rejects.toMatchObject({
      code: 'PUBLISH_BATCH',
      results: ['1-0', refused],
      errors: [refused],
      cause: refused,
      message: expect.stringContaining('1 of 2 messages'),
    });
  });

  it('is typed by its map of events', () => {
    type Typed = StreamPublisher<Events>;
    const publish = (publisher: Typed) => {
      void publisher.publish('order.process', { id: 1 });
      // @ts-expect-error no such event
      void publisher.publish('order.lost', { id: 1 });
      // @ts-expect-error not the payload of this event
      void publisher.publish('order.process', { to: 'a' });
      // @ts-expect-error not the payload of this event, in a batch
      void publisher.publishBatch([{ eventType: 'email.send', payload: { id: 1 } }]);
    };
    expectTypeOf(publish).parameter(0).toEqualTypeOf<Typed>();
    expectTypeOf<Typed['publish']>().returns.resolves.toEqualTypeOf<string>();
    expectTypeOf<Typed['publishBatch']>().returns.resolves.toEqualTypeOf<string[]>();
    expectTypeOf<BatchItem<Events>['eventType']>().toEqualTypeOf<keyof Events>();
  });

  it('takes any event where it has no map', () => {
    type Untyped = StreamPublisher;
    const item = { eventType: 'any', payload: { any: 'thing' } };
    expectTypeOf(item).toExtend<BatchItem>();
    expectTypeOf<Parameters<Untyped['publish']>[1]>().toEqualTypeOf<unknown>();
    expectTypeOf<BatchItem<object>>().toEqualTypeOf<BatchItem>();
  });
});
