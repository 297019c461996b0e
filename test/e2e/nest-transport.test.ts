import { Controller } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { BaseRpcContext } from '@nestjs/microservices';
import {
  getStreamsToken,
  StreamHandler,
  StreamsModule,
  StreamsTransport,
} from 'nestjs-redis-streams';
import type { DriverContext } from 'nestjs-redis-streams/driver';
import { MemoryBroker, memory, StreamsTestKit } from 'nestjs-redis-streams/memory';
import { describe, expect, it, onTestFinished } from 'vitest';
import { driverWith } from '../support/driver-with.js';
import { appModule, startApp } from '../support/nest-app.js';
import { inAllSlots } from '../support/in-all-slots.js';

@Controller()
class Orders {
  static seen: unknown[] = [];

  @StreamHandler('order')
  handle(order: unknown): void {
    Orders.seen.push(order);
    if (order === 'bad') throw new Error('bad order');
  }
}

/** A memory driver whose connections the test breaks and mends. */
function breakable() {
  let context: DriverContext | undefined;
  const source = driverWith(memory(), (_, given) => void (context = given));
  return {
    source,
    break: (role: string) =>
      context!.events.emit('disconnected', { role, error: new Error('connection lost') }),
    mend: (role: string) => context!.events.emit('connected', { role }),
  };
}

describe('the transport by itself', () => {
  it('needs no module, and closes its connections', async () => {
    const kit = new StreamsTestKit();
    const strategy = new StreamsTransport({ slots: kit.slots, group: 'test' });
    const app = await NestFactory.createMicroservice(appModule({ controllers: [Orders] }), {
      strategy,
      logger: false,
    });
    await app.listen();
    Orders.seen = [];
    await kit.publish('order', 1);
    await kit.idle();
    expect(Orders.seen).toEqual([1]);
    await app.close();
    await strategy.close();
    await kit.publish('order', 2);
    expect(Orders.seen).toEqual([1]);
  });

  it('refuses wrong options at once, all of them', () => {
    const wrong = { slots: inAllSlots(memory()), group: '', concurrency: 0 };
    expect(() => new StreamsTransport(wrong)).toThrow(
      expect.objectContaining({
        problems: [expect.stringMatching(/group/), expect.stringMatching(/concurrency/)],
      }),
    );
  });

  it('unwraps to the client of its driver', async () => {
    const { app, transport } = await startApp({ controllers: [Orders] });
    expect(transport.unwrap()).toBeInstanceOf(MemoryBroker);
    expect(app.unwrap()).toBe(transport.unwrap());
  });

  it('tells listeners of events, those of before listening too', async () => {
    const early: unknown[] = [];
    const late: unknown[] = [];
    const { app, publish } = await startApp({
      controllers: [Orders],
      configure: (before) => before.on('settled', (event: unknown) => early.push(event)),
    });
    app.on('settled', (event: unknown) => late.push(event));
    await publish('order', 1);
    expect(early).toMatchObject([{ outcome: 'handled', handler: 'Orders.handle' }]);
    expect(late).toEqual(early);
  });

  it('tells its status', async () => {
    const driver = breakable();
    const status: string[] = [];
    const { app } = await startApp({
      controllers: [Orders],
      options: { slots: inAllSlots(driver.source) },
      configure: (before) => void before.status.subscribe((word) => status.push(word)),
    });
    expect(status).toEqual(['connected']);
    driver.break('commands');
    driver.break('reader');
    driver.mend('reader');
    expect(status).toEqual(['connected', 'reconnecting']);
    driver.mend('commands');
    await app.close();
    driver.mend('commands');
    expect(status).toEqual(['connected', 'reconnecting', 'connected', 'disconnected']);
  });

  it('passes errors of the start to who listens', async () => {
    const failure = new Error('not allowed to read');
    let closed = 0;
    const source = driverWith(memory(), ({ source: own }) => {
      own.subscribe = () => Promise.reject(failure);
      own.close = async () => void closed++;
    });
    const strategy = new StreamsTransport({ slots: inAllSlots(source), group: 'test' });
    const status: string[] = [];
    strategy.status.subscribe((word) => status.push(word));
    const app = await NestFactory.createMicroservice(appModule({ controllers: [Orders] }), {
      strategy,
      logger: false,
    });
    await expect(app.listen()).rejects.toBe(failure);
    expect(closed).toBe(1);
    expect(status).toEqual(['disconnected']);
    await app.close();
  });

  it('refuses a second start, and goes on', async () => {
    const strategy = new StreamsTransport({ slots: inAllSlots(memory()), group: 'test' });
    const app = await NestFactory.createMicroservice(appModule({ controllers: [Orders] }), {
      strategy,
      logger: false,
    });
    await app.listen();
    const again = await new Promise((resolve) => strategy.listen(resolve));
    expect(again).toMatchObject({ code: 'ALREADY_RUNNING' });
    expect(() => strategy['runtime'].producer.encode({ eventType: 'a', payload: 1 })).not.toThrow();
    await app.close();
  });

  it('refuses a handler that is added while it runs', async () => {
    const strategy = new StreamsTransport({ slots: inAllSlots(memory()), group: 'test' });
    const app = await NestFactory.createMicroservice(appModule({ controllers: [Orders] }), {
      strategy,
      logger: false,
    });
    await app.listen();
    const late = () => strategy.addHandler('late', async () => undefined, true);
    expect(late).toThrow(
      expect.objectContaining({ code: 'BINDING_WHILE_RUNNING', transport: 'default' }),
    );
    expect(late).toThrow('"late"');
    await app.close();
  });

  it('does not start with nothing to feed, where nothing can be added but functions', async () => {
    const strategy = new StreamsTransport({ slots: inAllSlots(memory()), group: 'test' });
    const app = await NestFactory.createMicroservice(appModule({}), { strategy, logger: false });
    await expect(app.listen()).rejects.toMatchObject({
      code: 'NO_HANDLER',
      transport: 'default',
      driver: 'memory',
    });
    await app.close();

    const fed = new StreamsTransport({ slots: inAllSlots(memory()), group: 'test' });
    await fed.subscribe('order', () => undefined);
    const other = await NestFactory.createMicroservice(appModule({}), {
      strategy: fed,
      logger: false,
    });
    await other.listen();
    await other.close();
  });

  it('warns of a transport of a module with nothing to feed: consumers may follow', async () => {
    const warnings: string[] = [];
    await startApp({
      configure: (_, transport) =>
        transport.on('warning', ({ code, message }) => warnings.push(`${code} ${message}`)),
    });
    expect(warnings).toEqual([
      expect.stringMatching(/^NO_HANDLER The transport "default" \(message source memory\)/),
    ]);
  });

  it('closes its connections where its handlers cannot work', async () => {
    @Controller()
    class Twice extends Orders {
      @StreamHandler('order')
      again(): void {}
    }
    const strategy = new StreamsTransport({ slots: inAllSlots(memory()), group: 'test' });
    const app = await NestFactory.createMicroservice(appModule({ controllers: [Twice] }), {
      strategy,
      logger: false,
    });
    await expect(app.listen()).rejects.toMatchObject({ code: 'HANDLER_CONFLICT' });
    expect(() => strategy['runtime'].producer.encode({ eventType: 'order', payload: 1 })).toThrow(
      /closed/,
    );
    await app.close();
  });

  it('cannot listen once it was closed', async () => {
    const strategy = new StreamsTransport({ slots: inAllSlots(memory()), group: 'test' });
    await strategy.close();
    const error = await new Promise((resolve) => strategy.listen(resolve));
    expect(error).toMatchObject({ code: 'CLOSED' });
  });
});

describe('several transports with names', () => {
  it('each feed the handlers of their name, and untagged ones are fed by all', async () => {
    const kits = { default: new StreamsTestKit(), audit: new StreamsTestKit() };
    const seen: unknown[] = [];
    @Controller()
    class Both {
      @StreamHandler('order')
      handle(order: unknown): void {
        seen.push(['default', order]);
      }

      @StreamHandler('order', { name: 'audit' })
      audit(order: unknown): void {
        seen.push(['audit', order]);
      }
    }
    const module = appModule({
      imports: [
        StreamsModule.forRoot({ slots: kits.default.slots, group: 'test' }),
        StreamsModule.forRoot({ slots: kits.audit.slots, group: 'test', name: 'audit' }),
      ],
      controllers: [Both],
    });
    const app = await NestFactory.create(module, { logger: false });
    onTestFinished(() => app.close());
    app.connectMicroservice({ strategy: app.get(StreamsTransport) });
    app.connectMicroservice({ strategy: app.get(getStreamsToken('audit', StreamsTransport)) });
    await app.startAllMicroservices();
    await kits.default.publish('order', 1);
    await kits.audit.publish('order', 2);
    await Promise.all([kits.default.idle(), kits.audit.idle()]);
    expect(seen).toEqual([
      ['default', 1],
      ['audit', 2],
    ]);
  });
});

describe('hooks of instrumentation', () => {
  const hooked = (calls: unknown[]) => (transport: StreamsTransport) => {
    transport.setOnProcessingStartHook((id, context, done) => {
      calls.push([
        'start',
        id === transport.transportId,
        (context as BaseRpcContext).getArgByIndex(1),
      ]);
      void done();
    });
    transport.setOnProcessingEndHook(() => calls.push('end'));
  };

  it('run around each message, the end exactly once, and the outcome stands', async () => {
    const calls: unknown[] = [];
    const { outcome } = await startApp({
      controllers: [Orders],
      configure: (_app, transport) => hooked(calls)(transport),
    });
    expect(await outcome('order', 1)).toMatchObject({ outcome: 'handled' });
    expect(calls).toEqual([['start', true, 'order'], 'end']);
    expect(await outcome('order', 'bad')).toMatchObject({
      outcome: 'retried',
      error: { message: 'bad order' },
    });
    expect(calls.slice(2)).toEqual([['start', true, 'order'], 'end']);
  });

  it('that throw at the end do not fail the message', async () => {
    const told: unknown[] = [];
    const { outcome } = await startApp({
      controllers: [Orders],
      configure: (_app, transport) => {
        transport.on('listener-failed', ({ listener, error }) =>
          told.push([listener, error.message]),
        );
        transport.setOnProcessingEndHook(() => {
          throw new Error('no span');
        });
      },
    });
    expect(await outcome('order', 1)).toMatchObject({ outcome: 'handled' });
    expect(told).toEqual([['the hook of setOnProcessingEndHook', 'no span']]);
  });
});
