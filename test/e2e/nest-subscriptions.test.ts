import { Controller, Module } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { StreamContext, StreamHandler, type StreamsEvents } from 'nestjs-redis-streams';
import { describe, expect, it } from 'vitest';
import { OnEvent, startApp, type TestAppOptions } from '../support/nest-app.js';

type Warning = StreamsEvents['warning'];

async function startWithWarnings(given: TestAppOptions) {
  const warnings: Warning[] = [];
  const started = await startApp({
    ...given,
    configure: (_app, transport) => transport.on('warning', (warning) => warnings.push(warning)),
  });
  return { ...started, warnings };
}

describe('several handlers of one event', () => {
  it('in two groups both get all messages, and settle them by themselves', async () => {
    const seen: unknown[] = [];
    @Controller()
    class Orders {
      @StreamHandler('order')
      handle({ id }: { id: number }): void {
        seen.push(['handle', id]);
      }

      @StreamHandler('order', { group: 'audit' })
      audit({ id }: { id: number }): void {
        seen.push(['audit', id]);
        throw new Error('no ledger');
      }
    }
    const { kit, publish } = await startApp({ controllers: [Orders] });
    await publish('order', { id: 1 });
    await publish('order', { id: 2 });
    expect(seen).toHaveLength(4);
    expect(seen).toEqual(
      expect.arrayContaining([
        ['handle', 1],
        ['audit', 1],
        ['handle', 2],
        ['audit', 2],
      ]),
    );
    const outcomes = kit.settled.map(({ group, outcome }) => `${group} ${outcome}`);
    expect(outcomes.sort()).toEqual([
      'audit retried',
      'audit retried',
      'test handled',
      'test handled',
    ]);
  });

  it('in one group stop the start, and both are named', async () => {
    @Controller()
    class Orders {
      @StreamHandler('order.created')
      created(): void {}

      @StreamHandler({ streams: ['order.created'], events: 'order.*' })
      any(): void {}
    }
    await expect(startApp({ controllers: [Orders] })).rejects.toMatchObject({
      code: 'HANDLER_CONFLICT',
      why: 'methods',
      message: expect.stringMatching(/Orders\.created and Orders\.any both take/),
    });
  });

  it('an @EventPattern conflicts as well', async () => {
    @Controller()
    class Orders {
      @StreamHandler('order')
      handle(): void {}

      @OnEvent('order')
      again(): void {}
    }
    await expect(startApp({ controllers: [Orders] })).rejects.toMatchObject({
      code: 'HANDLER_CONFLICT',
      message: expect.stringMatching(/Orders\.handle.*@EventPattern\('order'\)/),
    });
  });

  it('two instances of one controller conflict', async () => {
    class Base {
      @StreamHandler('order')
      handle(): void {}
    }
    @Controller()
    class First extends Base {}
    @Controller()
    class Second extends Base {}
    await expect(startApp({ controllers: [First, Second] })).rejects.toMatchObject({
      code: 'HANDLER_CONFLICT',
      why: 'one-method',
    });
  });

  it('one controller in two modules conflicts, and the error says so', async () => {
    @Controller()
    class Orders {
      @StreamHandler('order')
      handle(): void {}
    }
    @Module({ controllers: [Orders] })
    class First {}
    @Module({ controllers: [Orders] })
    class Second {}
    await expect(startApp({ imports: [First, Second] })).rejects.toMatchObject({
      code: 'HANDLER_CONFLICT',
      why: 'one-method',
      message: expect.stringMatching(
        /Orders\.handle takes "order" .* twice\. Its controller is in two modules/,
      ),
    });
  });
});

describe('events and streams', () => {
  it('several events may share a method', async () => {
    const seen: unknown[] = [];
    @Controller()
    class Orders {
      @StreamHandler(['order.created', 'order.paid'], { stream: 'orders' })
      handle(@Ctx() context: StreamContext): void {
        seen.push(context.message.eventType);
      }
    }
    const { kit, publish } = await startApp({ controllers: [Orders] });
    await publish('order.created', {}, { stream: 'orders' });
    await publish('order.paid', {}, { stream: 'orders' });
    await publish('order.lost', {}, { stream: 'orders' });
    expect(seen).toEqual(['order.created', 'order.paid']);
    expect(kit.settled.map(({ outcome }) => outcome)).toEqual(['handled', 'handled', 'filtered']);
  });

  it('several events share the concurrency of their method', async () => {
    let running = 0;
    let most = 0;
    @Controller()
    class Orders {
      @StreamHandler(['order.created', 'order.paid'], { stream: 'orders', concurrency: 1 })
      async handle(): Promise<void> {
        most = Math.max(most, ++running);
        await new Promise(setImmediate);
        running--;
      }
    }
    const { kit } = await startApp({ controllers: [Orders] });
    for (const event of ['order.created', 'order.paid', 'order.created', 'order.paid']) {
      await kit.publish(event, {}, { stream: 'orders' });
    }
    await kit.idle();
    expect(kit.settled).toHaveLength(4);
    expect(most).toBe(1);
  });

  it('streams without events take all of them', async () => {
    const seen: unknown[] = [];
    @Controller()
    class Orders {
      @StreamHandler({ streams: ['orders', 'refunds'], maxDeliveries: 1 })
      handle(@Payload('id') id: number, @Ctx() context: StreamContext): void {
        seen.push([context.stream, context.message.eventType, id]);
      }
    }
    const { publish } = await startApp({ controllers: [Orders] });
    await publish('created', { id: 1 }, { stream: 'orders' });
    await publish('paid', { id: 2 }, { stream: 'refunds' });
    expect(seen).toEqual([
      ['orders', 'created', 1],
      ['refunds', 'paid', 2],
    ]);
  });

  it('a wildcard without a stream stops the start', async () => {
    @Controller()
    class Orders {
      @StreamHandler('order.*')
      handle(): void {}
    }
    await expect(startApp({ controllers: [Orders] })).rejects.toMatchObject({
      code: 'WILDCARD_WITHOUT_STREAM',
      message: expect.stringContaining('Orders.handle'),
    });
  });

  it('a wildcard may rely on a route', async () => {
    const seen: unknown[] = [];
    @Controller()
    class Orders {
      @StreamHandler('order.*')
      handle({ id }: { id: number }): void {
        seen.push(id);
      }
    }
    const { publish } = await startApp({
      controllers: [Orders],
      options: { routes: [{ events: 'order.*', stream: 'orders' }] },
    });
    await publish('order.created', { id: 1 });
    expect(seen).toEqual([1]);
  });

  it('an event that no handler takes is dead-lettered where the stream came from the pattern', async () => {
    @Controller()
    class Orders {
      @StreamHandler('order')
      handle(): void {}
    }
    const { kit, publish } = await startApp({ controllers: [Orders] });
    await publish('refund', {}, { stream: 'order' });
    expect(kit.settled).toMatchObject([{ outcome: 'dead-lettered', reason: 'unmatched' }]);
  });

  it('options that cannot work stop the start, with the name of the method', async () => {
    @Controller()
    class Orders {
      @OnEvent('order', { concurrency: 0 })
      handle(): void {}
    }
    await expect(startApp({ controllers: [Orders] })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      problems: [expect.stringMatching(/@EventPattern\('order'\): concurrency/)],
    });
  });
});

describe('warnings at start-up', () => {
  @Controller()
  class Orders {
    @StreamHandler('order')
    handle(): void {}
  }

  it('the default group', async () => {
    const { warnings } = await startWithWarnings({
      controllers: [Orders],
      options: { group: undefined },
    });
    expect(warnings).toMatchObject([{ code: 'DEFAULT_GROUP' }]);
  });

  it('a stream to which no producer publishes these events', async () => {
    @Controller()
    class Elsewhere {
      @StreamHandler('order', { stream: 'orders' })
      handle(): void {}
    }
    const { warnings } = await startWithWarnings({ controllers: [Elsewhere] });
    expect(warnings).toMatchObject([
      { code: 'STREAM_ROUTE_MISMATCH', message: expect.stringContaining('Elsewhere.handle') },
    ]);
  });

  it('none where nothing is odd', async () => {
    expect((await startWithWarnings({ controllers: [Orders] })).warnings).toEqual([]);
  });
});
