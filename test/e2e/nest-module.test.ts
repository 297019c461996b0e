import { Controller, Inject, Injectable, Module, type Type } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  DeadLetters,
  getSourceToken,
  getStreamsToken,
  InvalidOptionsError,
  StreamHandler,
  StreamPublisher,
  StreamsClient,
  StreamsModule,
  StreamsTransport,
  type StreamsOptions,
  type StreamsOptionsFactory,
} from 'nestjs-redis-streams';
import { memory, StreamsTestKit } from 'nestjs-redis-streams/memory';
import { describe, expect, it, onTestFinished } from 'vitest';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import { driverWith } from '../support/driver-with.js';
import { createApp } from '../support/nest-app.js';
import { inAllSlots } from '../support/in-all-slots.js';

async function compile(...imports: (Type | ReturnType<typeof StreamsModule.forRoot>)[]) {
  const module = await Test.createTestingModule({ imports }).compile();
  onTestFinished(() => module.close());
  return module;
}

const offers = (module: TestingModule, name = 'default') => {
  const found = [StreamsTransport, StreamsClient, StreamPublisher, DeadLetters].map((type: Type) =>
    module.get<object>(getStreamsToken(name, type)),
  );
  return found.map(({ constructor }) => constructor.name);
};

const all = ['StreamsTransport', 'StreamsClient', 'StreamPublisher', 'DeadLetters'];

@Injectable()
class Config implements StreamsOptionsFactory<StreamsOptions> {
  readonly source = memory();

  createStreamsOptions(): StreamsOptions {
    return { slots: inAllSlots(this.source), group: 'configured' };
  }
}

@Module({ providers: [Config], exports: [Config] })
class ConfigModule {}

describe('the module', () => {
  it('provides everything, around one set of connections', async () => {
    const module = await compile(StreamsModule.forRoot({ slots: inAllSlots(memory()) }));
    expect(offers(module)).toEqual(all);
    const transport = module.get(StreamsTransport);
    expect(transport.unwrap()).toBe(module.get(StreamsClient).unwrap());
  });

  it.each([
    [
      'useFactory',
      {
        imports: [ConfigModule],
        inject: [Config],
        useFactory: (config: Config) => config.createStreamsOptions(),
      },
    ],
    [
      'a useFactory that takes its time',
      { useFactory: async () => ({ slots: inAllSlots(memory()) }) },
    ],
    ['useClass', { useClass: Config }],
    ['useExisting', { imports: [ConfigModule], useExisting: Config }],
  ])('is configured by %s', async (_how, options) => {
    expect(offers(await compile(StreamsModule.forRootAsync(options)))).toEqual(all);
  });

  it('may be there several times, by name', async () => {
    const module = await compile(
      StreamsModule.forRootAsync({
        name: 'orders',
        useFactory: () => ({ slots: inAllSlots(memory()) }),
      }),
      StreamsModule.forRoot({ name: 'audit', slots: inAllSlots(memory()) }),
      StreamsModule.forRoot({ slots: inAllSlots(memory()) }),
    );
    for (const name of ['orders', 'audit', 'default']) expect(offers(module, name)).toEqual(all);
    const clients = ['orders', 'audit', 'default'].map((name) =>
      module.get(getStreamsToken(name, StreamsClient)),
    );
    expect(new Set(clients.map((client) => client.unwrap())).size).toBe(3);
    const transports = ['orders', 'audit', 'default'].map((name) =>
      module.get(getStreamsToken(name, StreamsTransport)),
    );
    expect(new Set(transports.map(({ transportId }) => transportId)).size).toBe(3);
  });

  it('finds its classes by name, also where a bundler has changed their names', async () => {
    const types = [StreamsTransport, StreamsClient, StreamPublisher, DeadLetters, StreamsRuntime];
    const names = types.map(({ name }) => name);
    const rename = (name: string, at: number) =>
      Object.defineProperty(types[at]!, 'name', { value: name });
    types.forEach((_, at) => rename('t', at));
    onTestFinished(() => names.forEach(rename));
    const module = await compile(
      StreamsModule.forRoot({ name: 'audit', slots: inAllSlots(memory()) }),
    );
    for (const type of types) {
      expect(module.get(getStreamsToken('audit', type as Type))).toBeInstanceOf(type);
    }
  });

  it('refuses to make a token of a class that it does not provide', () => {
    class Own extends StreamPublisher {}
    expect(() => getStreamsToken('audit', Own)).toThrow(InvalidOptionsError);
    expect(() => getStreamsToken('audit', Config)).toThrow(/not Config/);
  });

  it('is global, or not', async () => {
    @Injectable()
    class Shop {
      constructor(
        @Inject(getStreamsToken('default', StreamPublisher)) readonly publisher: StreamPublisher,
      ) {}
    }
    @Module({ providers: [Shop] })
    class ShopModule {}
    const module = await compile(
      ShopModule,
      StreamsModule.forRoot({ slots: inAllSlots(memory()) }),
    );
    expect(module.get(Shop, { strict: false }).publisher).toBe(module.get(StreamPublisher));
    const local = StreamsModule.forRoot({ slots: inAllSlots(memory()), isGlobal: false });
    await expect(compile(ShopModule, local)).rejects.toThrow(/StreamPublisher/);
    @Module({ imports: [local], providers: [Shop] })
    class ImportingModule {}
    expect((await compile(ImportingModule)).get(Shop, { strict: false }).publisher).toBeDefined();
  });

  it('refuses wrong options when the application starts', async () => {
    const wrong = { slots: inAllSlots(memory()), group: '', maxDeliveries: 0 };
    await expect(compile(StreamsModule.forRoot(wrong))).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      problems: [expect.stringMatching(/group/), expect.stringMatching(/maxDeliveries/)],
    });
  });

  it('refuses a name that comes too late', async () => {
    const late = StreamsModule.forRootAsync({
      useFactory: () => ({ slots: inAllSlots(memory()), name: 'orders' }),
    });
    await expect(compile(late)).rejects.toMatchObject({
      problems: [expect.stringContaining("forRootAsync({ name: 'orders'")],
    });
  });

  it.each([undefined, null, 'redis://localhost'])(
    'refuses %s as the answer of a factory of options, and says where it came from',
    async (answer) => {
      const module = StreamsModule.forRootAsync({ useFactory: () => answer as never });
      await expect(compile(module)).rejects.toMatchObject({
        code: 'INVALID_OPTIONS',
        problems: [expect.stringMatching(/useFactory|options/)],
      });
    },
  );

  it('starts where there is no dead letter queue; who asks for one is told', async () => {
    const source = driverWith(memory(), () => ({ deadLetters: undefined }));
    const slots = { messageSource: source };
    const module = await compile(StreamsModule.forRoot({ slots }));
    await expect(module.get(DeadLetters).list('order')).rejects.toMatchObject({
      code: 'UNSUPPORTED_FEATURE',
    });
  });

  it.each([
    ['empty: dedupe is refused, as in the application', {}, 'slot stateStore is empty'],
    ['filled: dedupe works', { stateStore: { driver: 'memory' } }, undefined],
  ])(
    'a driver of a test in place of its own leaves the state store %s',
    async (_, more, refusal) => {
      @Controller()
      class Orders {
        @StreamHandler('order', { dedupe: true })
        handle(): void {}
      }
      const kit = new StreamsTestKit();
      const slots = { messageSource: { driver: 'memory' }, ...more };
      const module = await Test.createTestingModule({
        imports: [StreamsModule.forRoot({ slots, group: 'g' })],
        controllers: [Orders],
      })
        .overrideProvider(getSourceToken())
        .useValue(kit.source)
        .compile();
      const app = module.createNestMicroservice({ strategy: module.get(StreamsTransport) });
      onTestFinished(() => app.close());
      if (refusal === undefined) await app.listen();
      else await expect(app.listen()).rejects.toThrow(refusal);
    },
  );

  it('lets a controller look after the dead letters of its messages', async () => {
    const kit = new StreamsTestKit();
    @Controller()
    class Orders {
      mended = false;
      readonly seen: unknown[] = [];
      constructor(@Inject(DeadLetters) readonly deadLetters: DeadLetters) {}

      @StreamHandler('order', { maxDeliveries: 1 })
      handle(order: unknown): void {
        if (!this.mended) throw new Error('no stock');
        this.seen.push(order);
      }
    }
    @Module({
      imports: [StreamsModule.forRoot({ slots: kit.slots, group: 'test' })],
      controllers: [Orders],
    })
    class AppModule {}
    const app = await createApp(AppModule);
    onTestFinished(() => app.close());
    await app.listen();
    await kit.publish('order', { id: 1 });
    await kit.idle();
    const orders = app.get(Orders);
    const { items } = await orders.deadLetters.list('order');
    expect(items).toMatchObject([
      {
        eventType: 'order',
        payload: { id: 1 },
        reason: 'max-deliveries',
        error: { message: 'no stock' },
      },
    ]);
    orders.mended = true;
    expect(await orders.deadLetters.redrive('order', { all: true })).toBe(1);
    await kit.advance(5000);
    await kit.idle();
    expect(orders.seen).toEqual([{ id: 1 }]);
  });
});
