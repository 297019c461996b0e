import { Controller, Injectable, Module } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import {
  LagMonitor,
  StreamHandler,
  StreamPublisher,
  StreamsModule,
  StreamsTransport,
} from 'nestjs-redis-streams';
import { memory } from 'nestjs-redis-streams/memory';
import { Outbox, OutboxModule, type OutboxModuleOptions } from 'nestjs-redis-streams/postgres';
import type { PoolClient } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { inAllSlots } from '../../lib/runtime/slots/in-all-slots.js';
import { testPostgres, type TestPostgres } from '../support/postgres.js';
import { until } from '../support/until.js';

interface Order {
  readonly id: number;
}
interface Events {
  'order.placed': Order;
}

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await testPostgres();
});
afterAll(() => postgres?.cleanup());

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

@Injectable()
class Shop {
  constructor(readonly outbox: Outbox<Events>) {}
}

async function shop(options: Partial<OutboxModuleOptions> = {}, driver = memory()) {
  const seen: Order[] = [];
  @Controller()
  class Orders {
    @StreamHandler('order.placed')
    placed(@Payload() order: Order): void {
      seen.push(order);
    }
  }
  const lag = { interval: 50, thresholds: [{ streams: '$outbox', critical: 2 }] };
  @Module({
    imports: [
      StreamsModule.forRoot({ slots: inAllSlots(driver), group: 'shop', lag }),
      OutboxModule.forRootAsync({ useFactory: () => ({ url: postgres.url, ...options }) }),
    ],
    controllers: [Orders],
    providers: [Shop],
  })
  class App {}
  const module = await Test.createTestingModule({ imports: [App] }).compile();
  const app = module.createNestMicroservice({ strategy: module.get(StreamsTransport) });
  app.useLogger(false);
  closing.push(() => app.close());
  await app.listen();
  return { app, seen, outbox: module.get(Shop).outbox, module };
}

/** Runs work in a transaction of `pg`, and commits it. */
async function transact<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await postgres.pool.connect();
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}

describe('OutboxModule', () => {
  it('publishes what a transaction has written once it has committed', async () => {
    const { outbox, seen } = await shop();
    await transact(async (client) => {
      await outbox.within(client).publish('order.placed', { id: 1 });
      await outbox.within(client).publishBatch([
        { eventType: 'order.placed', payload: { id: 2 } },
        { eventType: 'order.placed', payload: { id: 3 }, key: 'other' },
      ]);
      expect(seen).toEqual([]);
    });
    await until('all are handled', () => seen.length === 3);
    expect(seen.filter(({ id }) => id < 3)).toEqual([{ id: 1 }, { id: 2 }]);
    const rolledBack = transact(async (client) => {
      await outbox.within(client).publish('order.placed', { id: 4 });
      throw new Error('no');
    });
    await expect(rolledBack).rejects.toThrow('no');
    await until('nothing waits', async () => (await outbox.lag()).waiting === 0);
    expect(seen).toHaveLength(3);
  });

  it('delivers a delayed message when it is due', async () => {
    const { outbox, seen } = await shop();
    const at = Date.now();
    await transact((client) =>
      outbox.within(client).publish('order.placed', { id: 1 }, { delay: 300 }),
    );
    await until('it is handled', () => seen.length === 1);
    expect(Date.now() - at).toBeGreaterThanOrEqual(290);
  });

  it('refuses what the publisher refuses, and options that an outbox has not', async () => {
    const { outbox } = await shop();
    await transact(async (client) => {
      const within = outbox.within(client);
      const invalid = { code: 'INVALID_MESSAGE' };
      await expect(within.publish('' as 'order.placed', { id: 1 })).rejects.toMatchObject(invalid);
      const maxLag = { maxLag: 5 } as object;
      await expect(within.publish('order.placed', { id: 1 }, maxLag)).rejects.toMatchObject({
        ...invalid,
        message: expect.stringContaining('maxLag'),
      });
      await expect(within.publish('order.placed', { id: 1 }, { key: '' })).rejects.toMatchObject(
        invalid,
      );
      await expect(within.publishBatch({} as never)).rejects.toMatchObject(invalid);
    });
    expect(() => outbox.within({} as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_MESSAGE' }),
    );
    expect(await outbox.lag()).toMatchObject({ waiting: 0 });
  });

  it('leaves messages to other processes with relay: false, and shows them as lag', async () => {
    const { outbox, module, seen } = await shop({ relay: false });
    const alarms: unknown[] = [];
    module.get(LagMonitor).alarms.subscribe((alarm) => alarms.push(alarm));
    await transact((client) =>
      outbox
        .within(client)
        .publishBatch(
          [1, 2, 3].map((id) => ({ eventType: 'order.placed' as const, payload: { id } })),
        ),
    );
    await until('the alarm', () => alarms.length === 1);
    expect(alarms[0]).toMatchObject({
      stream: '$outbox',
      consumerGroup: 'relay',
      lag: 3,
      severity: 'CRITICAL',
    });
    const rows = await module.get(LagMonitor).read();
    expect(rows.find(({ stream }) => stream === '$outbox')).toMatchObject({ lag: 3, length: 3 });
    expect(seen).toEqual([]);
    // Another process has a relay.
    const other = await shop();
    await until('they are handled', () => other.seen.length === 3);
    await until('the alarm ends', () => alarms.length === 2);
  });

  it('refuses wrong options when the application starts, all at once', async () => {
    const started = shop({ batchSize: 0, schema: 5 as never });
    await expect(started).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      problems: [
        expect.stringMatching(/^batchSize must be/),
        expect.stringMatching(/^schema must be/),
      ],
    });
  });

  it('says that Redis and memory publish within no transaction', async () => {
    const { module } = await shop();
    const publisher = module.get(StreamPublisher);
    await transact(async (client) => {
      await expect(
        publisher.within(client).publish('order.placed', { id: 1 }),
      ).rejects.toMatchObject({
        code: 'UNSUPPORTED_FEATURE',
        message: expect.stringContaining('Use the outbox'),
      });
    });
  });
});
