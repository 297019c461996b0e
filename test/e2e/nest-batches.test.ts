import { BadRequestException, Controller, type PipeTransform } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import {
  BatchResult,
  fanOut,
  InvalidOptionsError,
  next,
  StreamBatchContext,
  StreamHandler,
  StreamsTransport,
  UnrecoverableError,
} from 'nestjs-redis-streams';
import { NestFactory } from '@nestjs/core';
import { StreamsTestKit } from 'nestjs-redis-streams/memory';
import { describe, expect, it } from 'vitest';
import { appModule, OnEvent, startApp } from '../support/nest-app.js';

/** Nest's types mean the payload's. */
const OnRequest = MessagePattern as (...args: unknown[]) => MethodDecorator;

const batch = { size: 3, maxWait: 100 };

/** Publishes so many, and lets the batches run. */
async function run(controller: new () => object, payloads: readonly unknown[], options = {}) {
  const kit = new StreamsTestKit();
  const app = await startApp({ kit, controllers: [controller], options });
  for (const payload of payloads) await kit.publish('x', payload);
  await kit.advance(100);
  const told = () => kit.settled.map(({ outcome, reason }) => reason ?? outcome);
  return { ...app, kit, told };
}

describe('a method that takes batches', () => {
  it('is given the payloads and a context of all messages', async () => {
    const seen: unknown[] = [];
    @Controller()
    class Orders {
      @StreamHandler('x', { batch })
      many(@Payload() payloads: number[], @Ctx() context: StreamBatchContext<number>) {
        const { stream, group, items, messages, signal } = context;
        const told = items.map(({ payload, attempt }) => [payload, attempt]);
        seen.push({ payloads, stream, group, told, aborted: signal.aborted });
        expect(messages.map(({ payload }) => payload)).toEqual(payloads);
        expect(context.getArgByIndex(1)).toBe('x');
      }
    }
    const { told } = await run(Orders, [1, 2, 3, 4]);
    const where = { stream: 'x', group: 'test', aborted: false };
    expect(seen).toEqual([
      { payloads: [1, 2, 3], told: [1, 2, 3].map((n) => [n, 1]), ...where },
      { payloads: [4], told: [[4, 1]], ...where },
    ]);
    expect(told()).toEqual(Array(4).fill('handled'));
  });

  it('settles single messages by its context, also where it throws then', async () => {
    @Controller()
    class Orders {
      @StreamHandler('x', { batch })
      many(_: number[], context: StreamBatchContext) {
        context.items[0]!.deadLetter('bad');
        context.items[1]!.ack();
        throw new UnrecoverableError();
      }
    }
    const { told, kit } = await run(Orders, [1, 2, 3]);
    expect(told()).toEqual(['bad', 'handled', 'unrecoverable']);
    expect((await kit.deadLetters()).map(({ payload }) => payload)).toEqual([1, 3]);
  });

  it('settles single messages by its result', async () => {
    @Controller()
    class Orders {
      @StreamHandler('x', { batch })
      async many(@Payload() payloads: number[], @Ctx() { items }: StreamBatchContext) {
        if (payloads.length < 3) return [payloads];
        return new BatchResult().retry(0, 1000).deadLetter(items[2]!.id, 'bad');
      }
    }
    const { told, kit } = await run(Orders, [1, 2, 3]);
    expect(told()).toEqual(['retried', 'handled', 'bad']);
    await kit.advance(1100);
    expect(told().at(-1)).toBe('handled');
    expect(kit.settled.at(-1)).toMatchObject({ attempt: 2 });
  });

  it('fails where its result names a message that is not there, or a next step', async () => {
    const results = [
      new BatchResult().ack(7),
      { next: 'y', payload: 1 },
      [{ next: 'y', payload: 1 }],
      next('y'),
      fanOut([next('y')]),
    ];
    @Controller()
    class Orders {
      @StreamHandler('x', { batch })
      many(): unknown {
        return results.shift();
      }
    }
    const { kit, told } = await run(Orders, Array(15).fill(1), { plainInstructions: true });
    expect(told().filter((_, at) => at % 3 === 0)).toEqual([
      'retried',
      ...Array(4).fill('unrecoverable'),
    ]);
    expect(kit.settled[0]!.error?.message).toContain('the batch has no message 7');
    for (const at of [3, 6, 9, 12])
      expect(kit.settled[at]!.error?.message).toContain('Chaining from a handler with batch');
  });

  it('tells of a result that only looks like a next step', async () => {
    @Controller()
    class Orders {
      @StreamHandler('x', { batch })
      many(): unknown {
        return { next: 'y', payload: 1 };
      }
    }
    const { kit, transport } = await startApp({ controllers: [Orders] });
    const ignored: unknown[] = [];
    transport.on('instruction-ignored', ({ handler, next: event }) =>
      ignored.push([handler, event]),
    );
    for (const n of [1, 2, 3]) await kit.publish('x', n);
    await kit.idle();
    expect(kit.settled.map(({ outcome }) => outcome)).toEqual(Array(3).fill('handled'));
    expect(ignored).toEqual([['Orders.many', 'y']]);
  });

  const numbers: PipeTransform = {
    transform(values: unknown[]) {
      if (values.every((value) => typeof value === 'number')) return values;
      throw new BadRequestException('numbers only');
    },
  };

  it('is spared payloads that its pipes refuse: only these are dead-lettered', async () => {
    const batches: number[][] = [];
    @Controller()
    class Orders {
      @StreamHandler('x', { batch })
      many(@Payload(numbers) payloads: number[]) {
        batches.push(payloads);
      }
    }
    const { told } = await run(Orders, [1, 'two', 3]);
    expect(batches).toEqual([[1], [3]]);
    expect(told()).toEqual(['handled', 'rejected', 'handled']);
  });

  it('is given what a deserializer makes of each message', async () => {
    const seen: unknown[] = [];
    @Controller()
    class Orders {
      @StreamHandler('x', { batch })
      many(@Payload() payloads: unknown[]) {
        seen.push(payloads);
      }
    }
    const deserializer = {
      deserialize: ({ data, pattern }: { data: number; pattern: string }) => ({
        pattern,
        data: data * 10,
      }),
    };
    const kit = new StreamsTestKit();
    const strategy = new StreamsTransport({ slots: kit.slots, group: 'g', deserializer });
    const app = await NestFactory.createMicroservice(appModule({ controllers: [Orders] }), {
      strategy,
      logger: false,
    });
    await app.listen();
    for (const payload of [1, 2, 3]) await kit.publish('x', payload);
    await kit.idle();
    await app.close();
    expect(seen).toEqual([[10, 20, 30]]);
  });
});

describe('what answers requests, or is no @StreamHandler', () => {
  it('cannot take batches or deduplicate', async () => {
    @Controller()
    class Orders {
      @OnRequest('x', undefined, { batch })
      answer() {}
      @OnRequest('y', undefined, { dedupe: true })
      again() {}
      @OnEvent('z', { batch })
      event() {}
    }
    const error: unknown = await startApp({ controllers: [Orders] }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(InvalidOptionsError);
    expect((error as InvalidOptionsError).problems).toEqual([
      "@MessagePattern('x'): batch is for events; what answers requests cannot have it",
      "@MessagePattern('y'): dedupe is for events; what answers requests cannot have it",
      "@EventPattern('z'): batch needs @StreamHandler",
    ]);
  });
});
