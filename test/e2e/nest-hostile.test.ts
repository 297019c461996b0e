import { BadRequestException, Controller, type PipeTransform } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { StreamContext, StreamHandler, StreamsClient } from 'nestjs-redis-streams';
import { firstValueFrom, of, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { HOSTILE } from '../support/hostile.js';
import { OnEvent, startApp } from '../support/nest-app.js';

/** Nest's types mean the payload's. */
const OnRequest = MessagePattern as (...args: unknown[]) => MethodDecorator;

// An unhandled rejection fails the run of these tests, as it would end a process.

describe.each(HOSTILE)('%s', (what, make) => {
  it.each([
    ['thrown', 'retried', () => thrown(make())],
    ['what a promise rejects with', 'retried', async () => thrown(make())],
    ['what an Observable fails with', 'retried', () => throwError(() => make())],
    ['returned', 'handled', () => make()],
    ['what a promise resolves to', 'handled', async () => make()],
    ['a value of an Observable', 'handled', () => of(make(), make())],
  ])('may be %s by a method', async (_, outcome, answer) => {
    @Controller()
    class Odd {
      @StreamHandler('x', { maxDeliveries: 2 })
      x(): unknown {
        return answer();
      }
      @OnEvent('y', { maxDeliveries: 2 })
      y(): unknown {
        return answer();
      }
      @StreamHandler('z')
      z(): void {}
    }
    const { kit, publish } = await startApp({ controllers: [Odd] });
    for (const event of ['x', 'y', 'z']) await publish(event, {});
    const told = kit.settled.map(({ eventType, outcome: was }) => [eventType, was]);
    expect(told.map(([event]) => event)).toEqual(['x', 'y', 'z']);
    // What cannot be looked at at all cannot be told from a failure.
    if (!what.includes('proxy')) {
      expect(told.map(([, was]) => was)).toEqual([outcome, outcome, 'handled']);
    }
    await kit.advance(60_000);
  });

  it('may be thrown to a request, which is answered', async () => {
    @Controller()
    class Odd {
      @OnRequest('ask')
      ask(): never {
        throw make();
      }
    }
    const { app } = await startApp({ controllers: [Odd] });
    const answer = firstValueFrom(app.get(StreamsClient).send('ask', {}));
    await expect(answer).rejects.toBeDefined();
  });

  it('may be a reason for a dead letter', async () => {
    @Controller()
    class Odd {
      @StreamHandler('x', { maxDeliveries: 1 })
      x(@Ctx() context: StreamContext): void {
        context.deadLetter(make() as string);
      }
    }
    const { deadLetter, publish } = await startApp({ controllers: [Odd] });
    await publish('x', {});
    expect(typeof (await deadLetter()).reason).toBe('string');
  });
});

function thrown(value: unknown): never {
  throw value;
}

it('a listener of the transport that rejects is told of, and logged', async () => {
  @Controller()
  class Orders {
    @StreamHandler('x')
    x(): void {}
  }
  const { transport, publish } = await startApp({ controllers: [Orders] });
  const failed: unknown[] = [];
  transport.on('listener-failed', ({ listener, error }) => failed.push([listener, error.message]));
  transport.on('settled', (async () => thrown(new Error('no database'))) as () => void);
  await publish('x', {});
  expect(failed).toEqual([["a listener of 'settled'", 'no database']]);
});

it('a dead letter says why a pipe refused its payload', async () => {
  // As ValidationPipe says it.
  const validation: PipeTransform = {
    transform() {
      const message = ['name must be a string', 'pieces must be a positive number'];
      throw new BadRequestException({ message, error: 'Bad Request', statusCode: 400 });
    },
  };
  @Controller()
  class Orders {
    @StreamHandler('x')
    x(@Payload(validation) _: unknown): void {}
  }
  const { deadLetter, publish } = await startApp({ controllers: [Orders] });
  await publish('x', {});
  const { reason, error } = await deadLetter();
  expect([reason, error!.message]).toEqual([
    'rejected',
    'Bad Request Exception: name must be a string; pieces must be a positive number',
  ]);
});
