import { Controller, Injectable, Module, type OnModuleDestroy } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  StreamHandler,
  StreamPublisher,
  StreamsClient,
  StreamsModule,
  StreamsTransport,
} from 'nestjs-redis-streams';
import { memory, StreamsTestKit } from 'nestjs-redis-streams/memory';
import { lastValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { driverWith } from '../support/driver-with.js';
import { appModule, createApp } from '../support/nest-app.js';
import { quiet, work } from '../support/passing-time.js';
import { inAllSlots } from '../support/in-all-slots.js';

const HANDLERS = 50;

/** What users have: it refuses everything once it is closed. */
@Injectable()
class Database implements OnModuleDestroy {
  open = true;
  readonly rows: unknown[] = [];

  async insert(row: unknown): Promise<void> {
    await work(1);
    if (!this.open) throw new Error('the database is closed');
    this.rows.push(row);
  }

  onModuleDestroy(): void {
    this.open = false;
  }
}

@Module({ providers: [Database], exports: [Database] })
class DatabaseModule {}

const PLACES = ['the root module', 'a module imported before', 'a module imported after'] as const;

function scene(place: (typeof PLACES)[number]) {
  const kit = new StreamsTestKit();
  let running = 0;
  let go = (): void => undefined;
  const gate = new Promise<void>((resolve) => (go = resolve));
  @Controller()
  class Orders {
    constructor(private readonly database: Database) {}

    @StreamHandler('order')
    async handle({ id }: { id: number }): Promise<void> {
      running++;
      await gate;
      await this.database.insert(id);
    }
  }
  const streams = StreamsModule.forRoot({ slots: kit.slots, group: 'test', maxDeliveries: 1 });
  const inRoot = place === 'the root module';
  const module = appModule({
    imports: [
      ...(place === 'a module imported before' ? [DatabaseModule] : []),
      streams,
      ...(place === 'a module imported after' ? [DatabaseModule] : []),
    ],
    controllers: [Orders],
    providers: inRoot ? [Database] : [],
  });
  return {
    kit,
    module,
    async busy() {
      for (let id = 0; id < HANDLERS; id++) await kit.publish('order', { id });
      await expect.poll(() => running).toBe(HANDLERS);
    },
    /** Once the shutdown is under way. */
    finish: () => void work(20).then(go),
  };
}

describe.each(PLACES)('a shutdown while handlers run, with a database in %s,', (place) => {
  it('of a microservice fails none of them', async () => {
    const { kit, module, busy, finish } = scene(place);
    const app = await createApp(module);
    await app.listen();
    await busy();
    finish();
    const database = app.get(Database, { strict: false });
    await app.close();
    expect(database.rows).toHaveLength(HANDLERS);
    expect(kit.settled.map(({ outcome }) => outcome)).toEqual(Array(HANDLERS).fill('handled'));
    expect(database.open).toBe(false);
  });

  it('by hooks, which come first on a signal, fails none of them', async () => {
    const { kit, module, busy, finish } = scene(place);
    const app = await NestFactory.create(module, { logger: false });
    app.connectMicroservice({ strategy: app.get(StreamsTransport) });
    await app.startAllMicroservices();
    await busy();
    finish();
    const database = app.get(Database, { strict: false });
    await app.close();
    expect(database.rows).toHaveLength(HANDLERS);
    expect(kit.settled.map(({ outcome }) => outcome)).toEqual(Array(HANDLERS).fill('handled'));
  });

  it('reads nothing more, and gives back what has not started', async () => {
    const { kit, module, busy, finish } = scene(place);
    const app = await createApp(module);
    await app.listen();
    await busy();
    const closing = app.close();
    await kit.publish('order', { id: 'late' });
    finish();
    await closing;
    expect(kit.settled.filter(({ outcome }) => outcome === 'handled')).toHaveLength(HANDLERS);
    const again = await createApp(module);
    await again.listen();
    await kit.idle();
    expect(again.get(Database, { strict: false }).rows).toEqual(['late']);
    await again.close();
  });
});

describe('the connections', () => {
  it('are closed once, after all else', async () => {
    const order: string[] = [];
    const source = driverWith(memory(), ({ source: connection }) => {
      const close = connection.close.bind(connection);
      connection.close = () => {
        order.push('connections');
        return close();
      };
    });
    @Injectable()
    class Farewell implements OnModuleDestroy {
      constructor(private readonly publisher: StreamPublisher) {}

      async onModuleDestroy(): Promise<void> {
        await this.publisher.publish('farewell', 'from onModuleDestroy');
        order.push('destroyed');
      }

      async onApplicationShutdown(): Promise<void> {
        await this.publisher.publish('farewell', 'from onApplicationShutdown');
        order.push('shut down');
      }
    }
    const module = appModule({
      imports: [StreamsModule.forRoot({ slots: inAllSlots(source), group: 'test' })],
      providers: [Farewell],
    });
    const app = await createApp(module);
    await app.listen();
    await app.close();
    expect(order).toEqual(['destroyed', 'shut down', 'connections']);
  });

  it('are closed where the application never listened', async () => {
    let closed = 0;
    const source = driverWith(memory(), ({ source: connection }) => {
      connection.close = async () => void closed++;
    });
    const app = await NestFactory.createApplicationContext(
      appModule({ imports: [StreamsModule.forRoot({ slots: inAllSlots(source) })] }),
      { logger: false },
    );
    await app.close();
    expect(closed).toBe(1);
  });

  it('are closed where the start is still under way', async () => {
    const inner = memory();
    let subscribe: (() => void) | undefined;
    const source = driverWith(inner, ({ source: connection }) => {
      const original = connection.subscribe.bind(connection);
      connection.subscribe = async (options) => {
        await new Promise<void>((resolve) => (subscribe = resolve));
        return original(options);
      };
    });
    const seen: unknown[] = [];
    @Controller()
    class Orders {
      @StreamHandler('order')
      handle(order: unknown): void {
        seen.push(order);
      }
    }
    const strategy = new StreamsTransport({ slots: inAllSlots(source), group: 'test' });
    const app = await NestFactory.createMicroservice(appModule({ controllers: [Orders] }), {
      strategy,
      logger: false,
    });
    const listening = app.listen();
    await expect.poll(() => subscribe).toBeDefined();
    const closing = app.close();
    subscribe!();
    await Promise.all([listening, closing]);
    const client = new StreamsClient({ slots: inAllSlots(inner) });
    await lastValueFrom(client.emit('order', 1));
    await quiet(20);
    await client.close();
    expect(seen).toEqual([]);
  });
});
