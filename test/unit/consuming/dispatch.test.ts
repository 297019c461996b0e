import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { World } from '../../support/engine.js';

let world: World;
beforeEach(() => void (world = new World()));
afterEach(() => world.close());

describe('dispatch', () => {
  it('gives every group every message, and each message to one handler of a group', async () => {
    const seen: string[] = [];
    const note = (name: string) => (d: { eventType: string }) =>
      void seen.push(`${name} ${d.eventType}`);
    const app = await world.start([
      { events: ['issues.*'], options: { streams: ['hub'] }, invoke: note('a') },
      { events: ['push'], options: { streams: ['hub'] }, invoke: note('b') },
      { events: ['*'], options: { streams: ['hub'], group: 'audit' }, invoke: note('audit') },
    ]);
    for (const eventType of ['issues.opened', 'push', 'star']) {
      await app.runtime.producer.publish({ eventType, payload: 1, stream: 'hub' });
    }
    await world.settle();
    expect(seen.sort()).toEqual([
      'a issues.opened',
      'audit issues.opened',
      'audit push',
      'audit star',
      'b push',
    ]);
    expect(app.settled.filter(({ outcome }) => outcome === 'filtered')).toMatchObject([
      { eventType: 'star', group: 'g', handler: undefined },
    ]);
  });

  it('dead-letters events that no handler takes where the stream comes from the event type', async () => {
    const app = await world.start([{ events: ['x'], invoke: () => undefined }]);
    await app.runtime.producer.publish({ eventType: 'other', payload: 1, stream: 'x' });
    await world.settle();
    expect(app.settled).toMatchObject([{ outcome: 'dead-lettered', reason: 'unmatched' }]);
  });

  it('leaves them where the policy says so: pending, not run again here', async () => {
    const app = await world.start([{ events: ['x'], invoke: () => undefined }], {
      unmatched: 'leave',
      idleTimeout: 1000,
    });
    await app.runtime.producer.publish({ eventType: 'other', payload: 1, stream: 'x' });
    await world.clock.advance(10_000);
    expect(app.outcomes()).toEqual(['left']);
    // Another consumer takes it over and leaves it too, without using up a run.
    const peer = await world.start([{ events: ['x'], invoke: () => undefined }], {
      unmatched: 'leave',
      idleTimeout: 1000,
      consumer: 'peer',
    });
    await world.clock.advance(10_000);
    expect(peer.settled).toMatchObject([{ outcome: 'left', attempt: 1 }]);
  });

  it('dead-letters what the codec cannot read, with its raw fields, and goes on', async () => {
    const app = await world.start([{ events: ['x'], invoke: () => undefined }]);
    const { source } = app.runtime.driver;
    await source.publish([
      { stream: 'x', fields: ['event_type', 'x', 'payload', '{broken'] },
      { stream: 'x', fields: ['whatever', '1'] },
      { stream: 'x', fields: ['event_type', 'x', 'payload', '1'] },
    ]);
    await world.settle();
    expect(app.outcomes().sort()).toEqual(['dead-lettered', 'dead-lettered', 'handled']);
    const { items } = await app.runtime.admin.deadLetters.list('x');
    const letters = items.map(({ reason, fields, attempts }) => [reason, fields, attempts]);
    expect(letters).toHaveLength(2);
    expect(letters).toEqual(
      expect.arrayContaining([
        ['undecodable', ['event_type', 'x', 'payload', '{broken'], 1],
        ['undecodable', ['whatever', '1'], 1],
      ]),
    );
    expect(items[0]!.error!.message).toContain('json');
  });

  it('shows a handler the message and the delivery', async () => {
    const seen: unknown[] = [];
    const app = await world.start(
      [
        {
          events: ['x'],
          invoke: ({ message, attempt, group, consumer, stream, id }) =>
            void seen.push({
              ...message,
              timestamp: message.timestamp,
              attempt,
              group,
              consumer,
              stream,
              id,
            }),
        },
      ],
      { consumer: 'me' },
    );
    const at = new Date(world.clock.wallTime()).toISOString();
    const id = await app.runtime.producer.publish({
      eventType: 'x',
      payload: [1],
      metadata: { k: 'v' },
    });
    await world.settle();
    expect(seen).toMatchObject([
      {
        id,
        stream: 'x',
        eventType: 'x',
        payload: [1],
        metadata: { k: 'v' },
        timestamp: at,
        attempt: 1,
        group: 'g',
        consumer: 'me',
      },
    ]);
  });

  it('runs middleware around the handler, and refuses a second next', async () => {
    const order: string[] = [];
    const app = await world.start([{ events: ['x'], invoke: () => void order.push('handler') }], {
      maxDeliveries: 1,
      middleware: [
        async (delivery, next) => {
          order.push(`before ${delivery.message.eventType}`);
          const settlement = await next(delivery);
          order.push('after');
          return settlement;
        },
        async (delivery, next) => {
          await next(delivery);
          return next(delivery);
        },
      ],
    });
    await app.publish('x');
    expect(order).toEqual(['before x', 'handler']);
    expect(app.settled).toMatchObject([
      { error: { message: expect.stringContaining('next() twice') } },
    ]);
  });
});
