import { Controller, Injectable, type OnModuleInit } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { StreamConsumers, StreamHandler, type StreamContext } from 'nestjs-redis-streams';
import { expect, it } from 'vitest';
import { startApp } from '../support/nest-app.js';

const seen: string[] = [];

@Controller()
class Orders {
  @StreamHandler('order.made')
  made(@Payload() order: string) {
    seen.push(`made ${order}`);
  }

  @StreamHandler('order.paid', { stream: 'payments' })
  paid(@Payload() order: string) {
    seen.push(`paid ${order}`);
  }

  @StreamHandler('order.refunded', { stream: 'payments' })
  refunded(@Payload() order: string) {
    seen.push(`refunded ${order}`);
  }
}

async function start() {
  seen.length = 0;
  return startApp({ controllers: [Orders] });
}

it('a function is fed while the application runs, and no more once it was ended', async () => {
  const { transport, publish, kit } = await start();
  const given: unknown[] = [];
  await transport.subscribe('order.sent', async (payload, context: StreamContext) => {
    given.push([payload, context.getPattern(), context.attempt]);
  });
  await publish('order.sent', { n: 1 });
  expect(given).toEqual([[{ n: 1 }, 'order.sent', 1]]);
  await transport.unsubscribe('order.sent');
  await publish('order.sent', { n: 2 });
  await publish('order.made', 'a');
  expect(given).toHaveLength(1);
  expect(seen).toEqual(['made a']);
  await transport.subscribe('order.sent', (payload) => given.push(payload));
  await kit.idle();
  expect(given.at(-1)).toEqual({ n: 2 });
});

it('one that joins a stream that is read already takes its events from then on', async () => {
  const { transport, publish, kit } = await start();
  await publish('order.failed', 'a', { stream: 'payments' });
  await transport.subscribe('order.failed', (order) => seen.push(`failed ${order as string}`), {
    stream: 'payments',
  });
  await publish('order.failed', 'b', { stream: 'payments' });
  await publish('order.paid', 'c', { stream: 'payments' });
  expect(kit.settled.map(({ outcome }) => outcome)).toEqual(['filtered', 'handled', 'handled']);
  expect(seen).toEqual(['failed b', 'paid c']);
});

it('a function fails, and is run again, as a method is', async () => {
  const { transport, publish, kit } = await start();
  const attempts: number[] = [];
  await transport.subscribe(
    'flaky',
    (_, { attempt }: StreamContext) => {
      attempts.push(attempt);
      if (attempt < 3) throw new Error('no');
    },
    { maxDeliveries: 3, backoff: { type: 'fixed', delay: 100, jitter: 0 } },
  );
  await publish('flaky', 1);
  await kit.advance(1000);
  expect(attempts).toEqual([1, 2, 3]);
});

it('refuses what cannot be fed', async () => {
  const { transport } = await start();
  const handler = () => undefined;
  await expect(transport.subscribe('order.made', handler)).rejects.toMatchObject({
    code: 'HANDLER_CONFLICT',
  });
  await expect(transport.subscribe('order.*', handler)).rejects.toMatchObject({
    code: 'WILDCARD_WITHOUT_STREAM',
  });
  const wrong = { concurrency: 0, nonsense: 1 } as object;
  await expect(transport.subscribe('', undefined as never, wrong)).rejects.toMatchObject({
    code: 'INVALID_OPTIONS',
  });
  await transport.close();
  await expect(transport.subscribe('late', handler)).rejects.toMatchObject({ code: 'CLOSED' });
});

it('a pattern is paused and resumed, and the others go on', async () => {
  const { transport, publish, kit } = await start();
  await transport.pause('order.made');
  await transport.pause('order.made');
  await publish('order.made', 'a');
  await publish('order.paid', 'b', { stream: 'payments' });
  await kit.advance(120_000);
  expect(seen).toEqual(['paid b']);
  await transport.resume('order.made');
  await kit.idle();
  expect(seen).toEqual(['paid b', 'made a']);
});

it('a stream is paused, or ended, for all of its patterns or for none', async () => {
  const { transport, publish, kit } = await start();
  for (const act of ['pause', 'resume', 'unsubscribe'] as const) {
    await expect(transport[act]('order.paid')).rejects.toMatchObject({
      code: 'STREAM_SHARED',
      stream: 'payments',
      others: ['order.refunded'],
    });
    await expect(transport[act]('order.unknown')).rejects.toMatchObject({
      code: 'HANDLER_NOT_FOUND',
    });
    await expect(transport[act]('order.made', { group: 'other' })).rejects.toMatchObject({
      code: 'HANDLER_NOT_FOUND',
    });
  }
  await transport.pause(['order.paid', 'order.refunded']);
  await publish('order.refunded', 'a', { stream: 'payments' });
  await publish('order.made', 'b');
  expect(seen).toEqual(['made b']);
  await transport.resume(['order.refunded', 'order.paid']);
  await kit.idle();
  expect(seen).toEqual(['made b', 'refunded a']);
});

it('a decorated method is ended, and what waited for a retry goes to others', async () => {
  const { transport, publish, kit } = await start();
  await transport.subscribe(
    'fails',
    () => {
      throw new Error('no');
    },
    { backoff: { delay: 60_000, maxDelay: 60_000 } },
  );
  const id = await publish('fails', 1);
  await transport.unsubscribe(['fails', 'order.made']);
  expect(kit.settled.map(({ outcome }) => outcome)).toEqual(['retried', 'released']);
  await publish('order.made', 'a');
  await kit.advance(120_000);
  expect(seen).toEqual([]);
  const attempts: [string, number][] = [];
  await transport.subscribe('fails', (_, context: StreamContext) => {
    attempts.push([context.id, context.attempt]);
  });
  await kit.advance(10_000);
  expect(attempts).toEqual([[id, 2]]);
});

it('StreamConsumers is injected, and drained with the application', async () => {
  const { app, publish, kit } = await start();
  const consumer = app.get(StreamConsumers).create({ stream: 'audited', group: 'audit' });
  const types: string[] = [];
  const subscribed = consumer.subscribe(({ eventType }) => types.push(eventType) > 0, ['a', 'b']);
  await kit.idle();
  for (const type of ['a', 'b', 'c']) await publish(type, 1, { stream: 'audited' });
  expect(types).toEqual(['a', 'b']);
  expect(await consumer.getPending()).toEqual([]);
  await app.close();
  await subscribed;
});

it('StreamConsumers is started in onModuleInit, and the application starts', async () => {
  const audited: unknown[] = [];
  @Injectable()
  class Auditor implements OnModuleInit {
    constructor(private readonly consumers: StreamConsumers) {}

    async onModuleInit(): Promise<void> {
      await this.consumers
        .create({ stream: 'audited', group: 'audit' })
        .start(({ payload }) => audited.push(payload) > 0);
    }
  }
  const { publish } = await startApp({ providers: [Auditor] });
  await publish('anything', 'a', { stream: 'audited' });
  expect(audited).toEqual(['a']);
});
