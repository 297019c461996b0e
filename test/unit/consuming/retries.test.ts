import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Delivery } from '../../../lib/core/delivery.js';
import { RetryLaterError, UnrecoverableError } from '../../../lib/core/errors/handling.errors.js';
import { EventBus } from '../../../lib/core/event-bus.js';
import { memory } from '../../../lib/drivers/memory/index.js';
import { textOfBytes } from '../../../lib/core/codecs/text-bytes.js';
import { World } from '../../support/engine.js';

let world: World;
beforeEach(() => void (world = new World()));
afterEach(() => world.close());

describe('a failing handler', () => {
  it('is told of with each run that is repeated, unless it has asked for that', async () => {
    const app = await world.start(
      [
        {
          events: ['x'],
          invoke: ({ attempt }) => {
            throw attempt === 2 ? new RetryLaterError(500) : new TypeError(`no ${attempt}`);
          },
        },
      ],
      { maxDeliveries: 4 },
    );
    const told: unknown[] = [];
    app.runtime.events.on('run-failed', ({ attempt, delay }) => told.push([attempt, delay]));
    await app.publish('x');
    await world.clock.advance(20_000);
    expect(told).toEqual([
      [1, 1000],
      [3, 4000],
    ]);
  });

  it('runs again after growing waits, then is dead-lettered with its last error', async () => {
    const runs: [attempt: number, at: number][] = [];
    const start = world.clock.now();
    const app = await world.start(
      [
        {
          events: ['x'],
          invoke: ({ attempt }) => {
            runs.push([attempt, world.clock.now() - start]);
            throw new TypeError(`no ${attempt}`);
          },
        },
      ],
      { maxDeliveries: 4 },
    );
    await app.publish('x', { n: 1 });
    await world.clock.advance(20_000);
    expect(runs).toEqual([
      [1, 0],
      [2, 1000],
      [3, 3000],
      [4, 7000],
    ]);
    const { items } = await app.runtime.admin.deadLetters.list('x');
    expect(items).toMatchObject([
      {
        reason: 'max-deliveries',
        attempts: 4,
        stream: 'x',
        group: 'g',
        eventType: 'x',
        payload: { n: 1 },
        error: { name: 'TypeError', message: 'no 4' },
      },
    ]);
    expect(items[0]!.error!.stack).toContain('retries.test');
    expect(app.outcomes()).toEqual(['retried', 'retried', 'retried', 'dead-lettered']);
  });

  it('that succeeds at last leaves no dead letter', async () => {
    const app = await world.start([
      {
        events: ['x'],
        invoke: ({ attempt }) => {
          if (attempt < 3) throw new Error('not yet');
        },
      },
    ]);
    await app.publish('x');
    await world.clock.advance(10_000);
    expect(app.outcomes()).toEqual(['retried', 'retried', 'handled']);
    expect((await app.runtime.admin.deadLetters.list('x')).items).toEqual([]);
  });

  it('has its own limit and backoff where it sets them', async () => {
    const app = await world.start([
      {
        events: ['x'],
        options: { maxDeliveries: 2, backoff: { type: 'fixed', delay: 50 } },
        invoke: () => {
          throw new Error('no');
        },
      },
    ]);
    await app.publish('x');
    expect(app.settled).toMatchObject([{ outcome: 'retried', delay: 50 }]);
    await world.clock.advance(50);
    expect(app.outcomes()).toEqual(['retried', 'dead-lettered']);
  });

  it('is dead-lettered at once by UnrecoverableError and by isUnrecoverable', async () => {
    const app = await world.start(
      [
        {
          events: ['x', 'y'],
          invoke: ({ eventType }) => {
            throw eventType === 'x' ? new UnrecoverableError('bad order') : new RangeError('bad');
          },
        },
      ],
      { isUnrecoverable: (error) => error instanceof RangeError },
    );
    await app.publish('x');
    await app.publish('y');
    expect(app.settled).toMatchObject([
      { outcome: 'dead-lettered', reason: 'unrecoverable', error: { message: 'bad order' } },
      { outcome: 'dead-lettered', reason: 'unrecoverable', error: { name: 'RangeError' } },
    ]);
  });

  it('waits as long as RetryLaterError says, and runs out of runs all the same', async () => {
    const app = await world.start(
      [
        {
          events: ['x'],
          invoke: () => {
            throw new RetryLaterError(7);
          },
        },
      ],
      { maxDeliveries: 2 },
    );
    await app.publish('x');
    expect(app.settled).toMatchObject([{ outcome: 'retried', delay: 7 }]);
    await world.clock.advance(7);
    expect(app.settled[1]).toMatchObject({ outcome: 'dead-lettered', reason: 'max-deliveries' });
  });

  it('falls back to its backoff where the asked delay is no number', async () => {
    const app = await world.start([
      {
        events: ['x'],
        invoke: () => {
          throw new RetryLaterError(Number(undefined));
        },
      },
    ]);
    await app.publish('x');
    expect(app.settled).toMatchObject([{ outcome: 'retried', delay: 1000 }]);
  });

  it('does not hold up the others while it waits', async () => {
    const app = await world.start(
      [
        {
          events: ['x'],
          invoke: ({ message }) => {
            if ((message.payload as { bad?: boolean }).bad) throw new Error('no');
          },
        },
      ],
      { concurrency: 1 },
    );
    await app.publish('x', { bad: true });
    await app.publish('x', { bad: false });
    expect(app.outcomes()).toEqual(['retried', 'handled']);
  });
});

describe('parked retries', () => {
  it('pause reading at maxParked, with an event, and let it go on below', async () => {
    const events: string[] = [];
    let bad = true;
    const app = await world.start(
      [
        {
          events: ['x'],
          invoke: () => {
            if (bad) throw new Error('no');
          },
        },
      ],
      { maxParked: 3, concurrency: 1, batchSize: 1 },
    );
    app.runtime.events.on('reading-paused', ({ parked }) => events.push(`paused ${parked}`));
    app.runtime.events.on('reading-resumed', () => events.push('resumed'));
    for (let n = 0; n < 8; n++) await app.publish('x', { n });
    expect(events[0]).toMatch(/^paused [34]$/);
    const before = app.settled.length;
    expect(before).toBeLessThan(6);
    bad = false;
    await world.clock.advance(5000);
    expect(events.at(-1)).toBe('resumed');
    expect(app.outcomes().filter((outcome) => outcome === 'handled')).toHaveLength(8);
  });

  it('that are dropped make room for reading, too', async () => {
    const events: string[] = [];
    const invoke = ({ attempt, message }: Delivery) => {
      if (attempt === 1 && message.payload === 'late') throw new RetryLaterError(3_600_000);
    };
    const options = { maxParked: 2, concurrency: 1, batchSize: 1, idleTimeout: 1000 };
    const app = await world.start([{ events: ['x'], invoke }], options);
    app.runtime.events.on('reading-paused', () => events.push('paused'));
    app.runtime.events.on('reading-resumed', () => events.push('resumed'));
    const late = [await app.publish('x', 'late'), await app.publish('x', 'late')];
    await app.publish('x', 'late');
    await app.publish('x', 'next');
    await app.publish('x', 'next');
    expect(events).toEqual(['paused']);
    expect(app.outcomes()).not.toContain('handled');
    for (const id of late) world.broker.deleteEntry('x', id);
    await world.clock.advance(5000);
    expect(events).toEqual(['paused', 'resumed']);
    expect(app.outcomes().filter((outcome) => outcome === 'handled')).toHaveLength(2);
  });
});

it('an entry with bytes that are no UTF-8 never runs, and its dead letter has the same fields', async () => {
  let runs = 0;
  const app = await world.start([{ events: ['x'], invoke: () => void runs++ }]);
  const broken = ['event_type', 'x', 'payload', textOfBytes(Buffer.from([0x22, 0xff, 0x22]))];
  const genuine = ['event_type', 'x', 'payload', '"\uFFFD"'];
  const driver = memory({ broker: world.broker }).open({ events: new EventBus(), keyPrefix: '' });
  await driver.source.publish([broken, genuine].map((fields) => ({ stream: 'x', fields })));
  await world.clock.advance(100);
  expect(runs).toBe(1);
  const { items } = await app.runtime.admin.deadLetters.list('x');
  expect(items).toMatchObject([
    { reason: 'undecodable', fields: broken, eventType: undefined, payload: undefined },
  ]);
});
