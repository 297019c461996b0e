import 'reflect-metadata';
import { Controller, SetMetadata, UseGuards } from '@nestjs/common';
import { InvalidOptionsError, StreamHandler } from 'nestjs-redis-streams';
import { describe, expect, it } from 'vitest';
import { OnEvent } from '../support/nest-app.js';
import { wrongly } from '../support/stand-in.js';

type Decorate = (...args: unknown[]) => MethodDecorator;
const decorate = wrongly<Decorate>(StreamHandler);

function problemsOf(...args: unknown[]): readonly string[] {
  try {
    class OrderController {
      @decorate(...args)
      process(): void {}
    }
    void OrderController;
  } catch (error) {
    if (error instanceof InvalidOptionsError) return error.problems;
    throw error;
  }
  return [];
}

describe('the arguments of @StreamHandler', () => {
  it.each([
    ['one event', ['order']],
    ['several events', [['order', 'refund']]],
    [
      'every option',
      [
        'order',
        {
          stream: 'orders',
          group: 'audit',
          concurrency: 2,
          maxDeliveries: 3,
          backoff: { type: 'fixed', delay: 5 },
          timeout: 100,
          maxHold: 1000,
          name: 'orders',
        },
      ],
    ],
    ['streams', [{ streams: ['orders'], events: 'order.*', group: 'audit' }]],
    ['one stream', [{ stream: 'orders', events: ['a', 'b'] }]],
  ])('may be %s', (_what, args) => {
    expect(problemsOf(...args)).toEqual([]);
  });

  it.each([
    ['none', [], /write @StreamHandler/],
    ['an empty event', [''], /events must be/],
    ['no events', [[]], /events must be/],
    ['a number', [5], /events must be/],
    ['an event twice', [['a', 'a']], /not name "a" twice/],
    ['options that are none', ['order', 'orders'], /options must be an object/],
    ['a third argument', ['order', {}, {}], /write @StreamHandler/],
    ['options after streams', [{ streams: ['a'] }, {}], /write @StreamHandler/],
    ['neither streams nor events', [{ group: 'audit' }], /streams must be named/],
    ['events without streams', [{ events: 'order' }], /streams must be named/],
    [
      'stream and streams',
      ['order', { stream: 'a', streams: ['b'] }],
      /stream or streams must be given, not both/,
    ],
    ['an empty stream', ['order', { stream: '' }], /stream must be the name/],
    ['no streams', [{ streams: [] }], /streams must be a list/],
    ['streams that are no list', ['order', { streams: 'orders' }], /streams must be a list/],
    [
      'an unknown option',
      ['order', { maxDelivery: 3 }],
      /maxDelivery is no option of @StreamHandler: did you mean maxDeliveries\?/,
    ],
    [
      'an unknown option of an option',
      ['order', { dedupe: { keys: 'message' } }],
      /dedupe\.keys is no option of dedupe and inbox: did you mean key\?/,
    ],
    [
      'a number in place of options',
      ['order', { backoff: 1000 }],
      /write backoff: \{ delay: 1000 \}/,
    ],
    ['an empty name', ['order', { name: '' }], /name must be a text/],
    ['an empty group', ['order', { group: '' }], /group must be a text that is not empty/],
    ['a wrong number', ['order', { concurrency: 0 }], /concurrency must be a whole number/],
    ['a wrong backoff', ['order', { backoff: { type: 'linear' } }], /backoff.type/],
  ])('may not be %s', (_what, args, problem) => {
    const problems = problemsOf(...args);
    expect(problems.join('\n')).toMatch(problem);
    for (const line of problems) expect(line).toMatch(/^OrderController\.process: /);
  });

  it('are all reported at once', () => {
    expect(problemsOf('', { group: '', nope: 1 })).toHaveLength(3);
  });
});

describe('what @StreamHandler may decorate', () => {
  it('not a static method', () => {
    expect(() => {
      class Orders {
        @StreamHandler('order')
        static handle(): void {}

        other(): void {}
      }
      void Orders;
    }).toThrow(/method of an instance/);
  });

  it('not a method that has a pattern', () => {
    expect(() => {
      class Orders {
        @StreamHandler('order')
        @OnEvent('refund')
        handle(): void {}
      }
      void Orders;
    }).toThrow(/one pattern decorator/);
    expect(() => {
      class Orders {
        @StreamHandler('order')
        @StreamHandler('refund')
        handle(): void {}
      }
      void Orders;
    }).toThrow(/one pattern decorator/);
  });
});

describe('the method that @StreamHandler leaves', () => {
  it('looks like the one that was written', () => {
    const guard = { canActivate: () => true };
    @Controller()
    class Orders {
      @SetMetadata('above', 1)
      @StreamHandler('order')
      @SetMetadata('below', 2)
      @UseGuards(guard)
      handle(order: unknown, context: unknown): unknown[] {
        return [this instanceof Orders, order, context];
      }
    }
    const { handle } = Orders.prototype;
    expect([handle.name, handle.length]).toEqual(['handle', 2]);
    expect(Reflect.getMetadata('above', handle)).toBe(1);
    expect(Reflect.getMetadata('below', handle)).toBe(2);
    expect(Reflect.getMetadata('__guards__', handle)).toEqual([guard]);
    expect(new Orders().handle(1, 2)).toEqual([true, 1, 2]);
  });
});
