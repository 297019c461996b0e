import { Controller, Inject, Injectable } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientsModule, Ctx, Payload, type ReadPacket } from '@nestjs/microservices';
import {
  InjectStreamsClient,
  StreamContext,
  StreamHandler,
  StreamRecordBuilder,
  StreamsClient,
  StreamsModule,
  StreamsTransport,
  type StreamsClientOptions,
  type StreamsEvents,
} from 'nestjs-redis-streams';
import type { DriverFactory } from 'nestjs-redis-streams/driver';
import { memory, MemoryBroker, StreamsTestKit } from 'nestjs-redis-streams/memory';
import { firstValueFrom, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { driverWith } from '../support/driver-with.js';
import { appModule, startApp } from '../support/nest-app.js';
import { inAllSlots } from '../support/in-all-slots.js';

/** A client, and everything that arrives on some streams. */
async function connected(options: Partial<StreamsClientOptions> = {}) {
  const arrived: unknown[] = [];
  @Controller()
  class Everything {
    @StreamHandler({ streams: ['order', 'orders', 'refund'] })
    handle(@Payload() payload: unknown, @Ctx() { message }: StreamContext): void {
      arrived.push([message.stream, message.eventType, payload, message.metadata]);
    }
  }
  const { kit } = await startApp({ controllers: [Everything] });
  const client = new StreamsClient({ slots: kit.slots, ...options });
  onTestFinished(() => client.close());
  const settle = async (action: () => unknown) => {
    const before = arrived.length;
    await action();
    await expect.poll(() => arrived.length).toBeGreaterThan(before);
    await kit.idle();
    return arrived.slice(before);
  };
  return { client, kit, arrived, settle };
}

/** A source that refuses everything. */
function refusing(error: Error): DriverFactory {
  return driverWith(memory(), ({ source }) => {
    source.publish = async (entries) => entries.map(() => error);
  });
}

describe('emit', () => {
  it('publishes at once, without a subscriber', async () => {
    const { client, settle } = await connected();
    expect(await settle(() => void client.emit('order', { id: 1 }))).toEqual([
      ['order', 'order', { id: 1 }, {}],
    ]);
  });

  it('publishes once, however many subscribe, and tells each the id', async () => {
    const { client, settle } = await connected();
    const ids: unknown[] = [];
    const published = await settle(async () => {
      const emitted = client.emit('order', { id: 1 });
      ids.push(await lastValueFrom(emitted), await firstValueFrom(emitted));
      ids.push(...(await lastValueFrom(emitted.pipe(toArray()))));
    });
    expect(published).toHaveLength(1);
    expect(new Set(ids).size).toBe(1);
    expect(ids[0]).toMatch(/^\d+-\d+$/);
  });

  it('takes a stream beside the event', async () => {
    const { client, settle } = await connected();
    const address = { stream: 'orders', event: 'order.created' };
    expect(await settle(() => void client.emit(address, { id: 1 }))).toEqual([
      ['orders', 'order.created', { id: 1 }, {}],
    ]);
  });

  it('follows the routes', async () => {
    const { client, settle } = await connected({
      routes: [{ events: 'order.*', stream: 'orders' }],
    });
    expect(await settle(() => void client.emit('order.created', 1))).toEqual([
      ['orders', 'order.created', 1, {}],
    ]);
  });

  it('takes a record, whose stream wins', async () => {
    const { client, settle } = await connected();
    const record = new StreamRecordBuilder()
      .setPayload({ id: 1 })
      .setMetadata({ tenant: 'a' })
      .setStream('refund')
      .build();
    const address = { stream: 'orders', event: 'order.created' };
    expect(await settle(() => void client.emit(address, record))).toEqual([
      ['refund', 'order.created', { id: 1 }, { tenant: 'a' }],
    ]);
    const data = new StreamRecordBuilder('first').setData('second').build();
    expect(await settle(() => void client.emit('order', data))).toEqual([
      ['order', 'order', 'second', {}],
    ]);
  });

  it('makes one message of what is emitted twice with one key', async () => {
    const { client, settle } = await connected();
    const record = new StreamRecordBuilder('once').setIdempotencyKey('k').build();
    expect(
      await settle(() => {
        void client.emit('order', record);
        void client.emit('order', record);
      }),
    ).toEqual([['order', 'order', 'once', {}]]);
  });

  it('carries the metadata of a dispatch hook; those of a record win', async () => {
    const { client, settle } = await connected();
    client.setOnDispatchHook((packet: ReadPacket) => {
      packet.metadata = { trace: '1', tenant: 'hook' };
    });
    expect(await settle(() => void client.emit('order', 1))).toEqual([
      ['order', 'order', 1, { trace: '1', tenant: 'hook' }],
    ]);
    const record = new StreamRecordBuilder(2).setMetadata({ tenant: 'record' }).build();
    expect(await settle(() => void client.emit('order', record))).toEqual([
      ['order', 'order', 2, { trace: '1', tenant: 'record' }],
    ]);
  });

  it('lets a serializer change the packet', async () => {
    const serializer = {
      serialize: ({ pattern, data }: ReadPacket) => ({ pattern, data: [data] }),
    };
    const { client, settle } = await connected({ serializer });
    expect(await settle(() => void client.emit('order', 1))).toEqual([['order', 'order', [1], {}]]);
  });

  it('takes a pattern that is an object by the text that Nest makes of it', async () => {
    const { client, settle } = await connected({ routes: [{ events: '*', stream: 'orders' }] });
    expect(await settle(() => void client.emit({ cmd: 'sum' }, 1))).toEqual([
      ['orders', '{"cmd":"sum"}', 1, {}],
    ]);
  });

  it.each([
    ['no pattern', undefined, 1],
    ['no data', 'order', null],
  ])('fails for %s', async (_what, pattern, data) => {
    const { client } = await connected();
    await expect(lastValueFrom(client.emit(pattern as string, data))).rejects.toMatchObject({
      name: 'Error',
    });
  });

  it('tells who subscribes what went wrong', async () => {
    const { client } = await connected({ maxPayloadBytes: 10 });
    const failed: unknown[] = [];
    client.on('publish-failed', (event) => failed.push(event));
    const emitted = client.emit('order', 'far too long a text');
    await expect(lastValueFrom(emitted)).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      limit: 10,
    });
    await expect(lastValueFrom(client.emit('order.*', 1))).rejects.toMatchObject({
      code: 'INVALID_MESSAGE',
    });
    expect(failed).toEqual([]);
  });

  it('raises an event for a failure without a subscriber', async () => {
    const error = new Error('refused');
    const client = new StreamsClient({
      slots: inAllSlots(refusing(error)),
      routes: [{ events: 'order.*', stream: 'orders' }],
    });
    onTestFinished(() => client.close());
    const failed: StreamsEvents['publish-failed'][] = [];
    client.on('publish-failed', (event) => failed.push(event));
    client.emit('order.created', 1);
    const late = client.emit({ stream: 'audit', event: 'order.paid' }, 2);
    await vi.waitFor(() => expect(failed).toHaveLength(2));
    expect(failed).toEqual([
      { stream: 'orders', eventType: 'order.created', error },
      { stream: 'audit', eventType: 'order.paid', error },
    ]);
    await expect(lastValueFrom(late)).rejects.toBe(error);
  });

  it('is refused once the client is closed', async () => {
    const { client } = await connected();
    await client.close();
    await client.close();
    await expect(lastValueFrom(client.emit('order', 1))).rejects.toMatchObject({ code: 'CLOSED' });
  });
});

describe('the client', () => {
  it('connects by itself, and unwraps', async () => {
    const { client } = await connected();
    await client.connect();
    expect(client.unwrap()).toBeInstanceOf(MemoryBroker);
  });

  it('tells its status, that of its module where it shares its connections', async () => {
    const { app } = await startApp({});
    const status: string[] = [];
    app.get(StreamsClient).status.subscribe((word) => status.push(word));
    expect(status).toEqual(['connected']);
    await app.get(StreamsClient).close();
    expect(status).toEqual(['connected', 'disconnected']);
  });

  it('is made by ClientsModule, with connections of its own', async () => {
    const kit = new StreamsTestKit();
    @Injectable()
    class Shop {
      constructor(@Inject('ORDERS') readonly client: StreamsClient) {}
    }
    const module = appModule({
      imports: [
        ClientsModule.register([
          { name: 'ORDERS', customClass: StreamsClient, options: { slots: kit.slots } },
        ]),
      ],
      providers: [Shop],
    });
    const app = await NestFactory.createApplicationContext(module, { logger: false });
    const { client } = app.get(Shop);
    expect(await lastValueFrom(client.emit('order', 1))).toMatch(/^\d+-\d+$/);
    await app.close();
    await expect(lastValueFrom(client.emit('order', 1))).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('is injected by its class, or by the name of its module', async () => {
    const kits = [new StreamsTestKit(), new StreamsTestKit()] as const;
    @Injectable()
    class Shop {
      constructor(
        readonly byClass: StreamsClient,
        @InjectStreamsClient() readonly byDefault: StreamsClient,
        @InjectStreamsClient('audit') readonly audit: StreamsClient,
      ) {}
    }
    const module = appModule({
      imports: [
        StreamsModule.forRoot({ slots: kits[0].slots }),
        StreamsModule.forRoot({ slots: kits[1].slots, name: 'audit' }),
      ],
      providers: [Shop],
    });
    const app = await NestFactory.createApplicationContext(module, { logger: false });
    const { byClass, byDefault, audit } = app.get(Shop);
    expect(byDefault).toBe(byClass);
    expect(audit.unwrap()).not.toBe(byClass.unwrap());
    expect(app.get(StreamsTransport).unwrap()).toBe(byClass.unwrap());
    await byClass.close();
    expect(await lastValueFrom(byClass.emit('order', 1))).toMatch(/^\d+-\d+$/);
    await app.close();
  });
});
