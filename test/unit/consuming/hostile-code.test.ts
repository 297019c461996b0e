import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jsonCodec } from '../../../lib/core/codecs/json.codec.js';
import type { Codec } from '../../../lib/core/codecs/codec.js';
import type { DeadLetterQueue } from '../../../lib/ports/dead-letters.js';
import { RetryLaterError } from '../../../lib/core/errors/handling.errors.js';
import type { Middleware } from '../../../lib/core/middleware.js';
import type { StreamsEvents } from '../../../lib/core/events.js';
import { HOSTILE } from '../../support/hostile.js';
import { World, type EngineOptions, type Invoke } from '../../support/engine.js';
import { wrongly } from '../../support/stand-in.js';

// An unhandled rejection fails the run of these tests, as it would end a process.

let world: World;
beforeEach(() => void (world = new World()));
afterEach(() => world.close());

const rejecting = async (): Promise<never> => {
  throw new Error('rejected');
};

/** One hostile handler of `x`, and another one of `y` that must go on working. */
async function beside(invoke: Invoke, options: EngineOptions = {}, handler = {}) {
  const app = await world.start(
    [
      { events: ['x'], options: { maxDeliveries: 2, ...handler }, invoke },
      { events: ['y'], invoke: () => undefined },
    ],
    options,
  );
  const goesOn = async () => {
    const before = app.settled.length;
    await app.publish('y');
    return app.settled.slice(before).some(({ eventType, outcome }) => {
      return eventType === 'y' && outcome === 'handled';
    });
  };
  return { ...app, goesOn };
}

describe.each(HOSTILE)('%s', (_, make) => {
  it('may be thrown by a handler', async () => {
    const app = await beside(() => {
      throw make();
    });
    await app.publish('x');
    await world.clock.advance(1000);
    expect(app.outcomes()).toEqual(['retried', 'dead-lettered']);
    for (const { error } of app.settled) expect(typeof error!.message).toBe('string');
    const [letter] = (await app.runtime.admin.deadLetters.list('x')).items;
    // Message and stack have at most 16 KB each.
    expect(Buffer.byteLength(JSON.stringify(letter!.error))).toBeLessThan(2 * 16_384 + 1000);
    expect(await app.goesOn()).toBe(true);
  });

  it('may be thrown by a listener, or be what its promise is rejected with', async () => {
    const failed: StreamsEvents['listener-failed'][] = [];
    const app = await beside(() => undefined);
    app.runtime.events.on('listener-failed', (event) => failed.push(event));
    app.runtime.events.on('settled', () => {
      throw make();
    });
    const rejects = async (): Promise<never> => {
      throw make();
    };
    app.runtime.events.on('settled', rejects as () => void);
    await app.publish('x');
    expect(await app.goesOn()).toBe(true);
    expect(failed).toHaveLength(4);
    for (const { listener, error } of failed) {
      expect(listener).toBe("a listener of 'settled'");
      expect(typeof error.message).toBe('string');
    }
  });

  it('may be thrown by a codec', async () => {
    const codec: Codec = {
      ...jsonCodec,
      decode: (fields) => {
        if (jsonCodec.eventType(fields, 's') === 'x') throw make();
        return jsonCodec.decode(fields);
      },
    };
    const app = await beside(() => undefined, { codec });
    await app.publish('x');
    expect(app.settled[0]).toMatchObject({ outcome: 'dead-lettered', reason: 'undecodable' });
    expect(await app.goesOn()).toBe(true);
  });

  it('may be what a dead letter queue of the application fails with', async () => {
    let fails = true;
    const deadLetterQueue = wrongly<DeadLetterQueue>({
      put: async () => {
        if (fails) throw make();
        return '1';
      },
    });
    const app = await beside(rejecting, { slots: { deadLetterQueue } }, { maxDeliveries: 1 });
    await app.publish('x');
    expect(await app.goesOn()).toBe(true);
    fails = false;
    await world.clock.advance(10_000);
    expect(app.settled.at(-1)).toMatchObject({ outcome: 'dead-lettered' });
  });
});

describe('functions of the application that answer promises', () => {
  it('isUnrecoverable: a promise is no yes', async () => {
    const app = await beside(rejecting, { isUnrecoverable: wrongly<() => boolean>(rejecting) });
    await app.publish('x');
    expect(app.outcomes()).toEqual(['retried']);
    expect(await app.goesOn()).toBe(true);
  });

  it.each([
    ['the key of dedupe', { dedupe: { key: wrongly<() => string>(rejecting) } }],
    ['the key of an inbox', { inbox: { key: wrongly<() => string>(rejecting) } }],
    ['orderBy', { orderBy: rejecting }],
  ])('%s: a promise is no key', async (_, handler) => {
    const app = await beside(() => undefined, {}, handler);
    await app.publish('x');
    expect(app.settled[0]).toMatchObject({ outcome: 'dead-lettered', reason: 'unrecoverable' });
    expect(await app.goesOn()).toBe(true);
  });

  it('a codec: a promise is no event type', async () => {
    let odd = true;
    const eventType = wrongly<Codec['eventType']>((fields: readonly string[]) =>
      odd ? rejecting() : jsonCodec.eventType(fields, 's'),
    );
    const app = await beside(() => undefined, { codec: { ...jsonCodec, eventType } });
    await app.publish('x');
    expect(app.settled[0]).toMatchObject({ outcome: 'dead-lettered', reason: 'undecodable' });
    odd = false;
    expect(await app.goesOn()).toBe(true);
  });

  it.each([
    ['a promise', rejecting],
    ['nothing', () => undefined],
    ['something else than texts', () => ['event_type', 'x', 'payload', 5]],
    ['a name without a value', () => ['event_type']],
  ])('a codec: %s is no entry, and is told to the producer', async (_, encode) => {
    const codec = { ...jsonCodec, encode: wrongly<Codec['encode']>(encode) };
    const { runtime } = await beside(() => undefined, { codec });
    const publishing = runtime.producer.publish({ eventType: 'x', payload: 1 });
    await expect(publishing).rejects.toMatchObject({ code: 'INVALID_MESSAGE' });
  });
});

describe('a middleware', () => {
  it.each([
    ['nothing', () => undefined],
    ['a settlement of no kind', () => ({ kind: 'done' })],
    ['a kind that every object has', () => ({ kind: 'toString' })],
    ['a text', () => 'ack'],
  ])('that answers %s has failed', async (_, answer) => {
    const odd: Middleware = (delivery, next) =>
      delivery.eventType === 'x' ? (answer() as never) : next(delivery);
    const middleware = [odd];
    const app = await beside(() => undefined, { middleware });
    await app.publish('x');
    await world.clock.advance(1000);
    expect(app.outcomes()).toEqual(['retried', 'dead-lettered']);
    expect(app.settled[0]!.error!.message).toContain('A middleware answered');
    expect(await app.goesOn()).toBe(true);
  });

  it('may answer its settlement without a promise', async () => {
    const middleware = wrongly<Middleware[]>([() => ({ kind: 'ack' })]);
    const app = await beside(() => undefined, { middleware });
    await app.publish('x');
    expect(app.outcomes()).toEqual(['handled']);
  });

  it.each([['a text'], [5n], [Symbol('s')], [Number.NaN], [Infinity], [-1]])(
    'that asks for a retry in %s has the usual wait',
    async (delay) => {
      const middleware = wrongly<Middleware[]>([async () => ({ kind: 'retry', delay })]);
      const app = await beside(() => undefined, { middleware });
      await app.publish('x');
      await world.clock.advance(1000);
      expect(app.settled[0]).toMatchObject({ outcome: 'retried', delay: 1000 });
      expect(app.outcomes()).toEqual(['retried', 'dead-lettered']);
    },
  );

  it.each([[undefined], [{}], [Symbol('s')], [5n]])(
    'that asks for a dead letter with the reason %s gets one',
    async (reason) => {
      const asked = { kind: 'dead-letter', reason, error: { name: 5n, message: Symbol('m') } };
      const app = await beside(() => undefined, {
        middleware: wrongly<Middleware[]>([async () => asked]),
      });
      await app.publish('x');
      const [letter] = (await app.runtime.admin.deadLetters.list('x')).items;
      expect(typeof letter!.reason).toBe('string');
      expect(letter!.error).toEqual({ name: '5', message: 'Symbol(m)' });
    },
  );
});

it.each([['5000'], [5n], [Infinity], [{}]])(
  'RetryLaterError with the delay %s has the usual wait',
  async (delay) => {
    const app = await beside(() => {
      throw new RetryLaterError(delay as number, 'later');
    });
    await app.publish('x');
    expect(app.settled[0]).toMatchObject({ outcome: 'retried', delay: 1000 });
    expect(await app.goesOn()).toBe(true);
  },
);
