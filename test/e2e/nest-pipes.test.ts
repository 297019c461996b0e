import {
  Controller,
  Injectable,
  ParseIntPipe,
  UseFilters,
  UsePipes,
  type ArgumentMetadata,
  type PipeTransform,
} from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { StreamContext, StreamHandler, RetryLaterError } from 'nestjs-redis-streams';
import { describe, expect, it } from 'vitest';
import { startApp } from '../support/nest-app.js';

class OrderError extends Error {
  override name = 'OrderError';
}

/** In the manner of Nest's documentation for Zod: looks at nothing but the value, and copies it. */
class OrderPipe implements PipeTransform {
  seen = 0;
  transform(value: unknown): unknown {
    this.seen++;
    const order = value as { id?: unknown };
    if (typeof order?.id !== 'number') throw new OrderError(`id must be a number in ${typeof value}`);
    return { id: order.id };
  }
}

describe('a rejection by a pipe', () => {
  it('of a parameter is dead-lettered at the first attempt, with the original error', async () => {
    @Controller()
    class Orders {
      @StreamHandler('order')
      handle(@Payload('count', ParseIntPipe) _count: number): void {}
    }
    const { outcome, deadLetter } = await startApp({ controllers: [Orders] });
    expect(await outcome('order', { count: 'many' })).toMatchObject({
      outcome: 'dead-lettered',
      attempt: 1,
      reason: 'rejected',
    });
    expect((await deadLetter()).error).toMatchObject({
      name: 'BadRequestException',
      message: 'Validation failed (numeric string is expected)',
    });
  });

  it('passes what the pipe made of the payload', async () => {
    const counts: unknown[] = [];
    @Controller()
    class Orders {
      @StreamHandler('order')
      handle(@Payload('count', ParseIntPipe) count: number, @Ctx() context: StreamContext): void {
        counts.push(count, context.attempt);
      }
    }
    const { outcome } = await startApp({ controllers: [Orders] });
    expect(await outcome('order', { count: '12' })).toMatchObject({ outcome: 'handled' });
    expect(counts).toEqual([12, 1]);
  });
});
