import { randomBytes } from 'node:crypto';
import { headers } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import type { StreamsEvents } from '../../lib/core/events.js';
import type { Lease } from '../../lib/core/lease.js';
import { ack, deadLetter, leave, release, retry } from '../../lib/core/settlement.js';
import type { NatsOptions } from '../../lib/drivers/nats/connection/nats.options.js';
import { nats } from '../../lib/drivers/nats/nats.driver.js';
import type { SubscribeOptions } from '../../lib/ports/subscription.js';
import { entry, recordFor, valueOf } from '../../lib/testing/world/source-world.js';
import { publishBytes } from '../support/nats-bytes.js';
import { needsNats, testNats, type TestNats, type TestNatsOptions } from '../support/nats.js';
import { until } from '../support/until.js';

/** Publishes messages without an id, as other programs do. */
const foreign = ({ client }: TestNats, subject: string, ...bodies: string[]) => {
  for (const body of bodies) client.publish(subject, body);
  return client.flush();
};

async function connected(server: TestNats, options: NatsOptions = {}) {
  const events = new EventBus();
  const lost: StreamsEvents['messages-lost'][] = [];
  events.on('messages-lost', (event) => lost.push(event));
  const driver = nats({ url: server.url, mode: 'core', connectTimeout: 5000, ...options }).open({
    events,
    keyPrefix: '',
  });
  onTestFinished(() => driver.source.close());
  const { source } = driver;
  const stream = `orders-${randomBytes(4).toString('hex')}`;
  const subscribe = async (given: Partial<SubscribeOptions> = {}) => {
    const subscription = await source.subscribe({
      ...{ streams: [stream], group: 'shop', consumer: 'one', startId: '$' },
      ...{ blockTimeout: 2000, idleTimeout: 60_000, reclaimInterval: 1000, ...given },
    });
    return Object.assign(subscription, {
      /** As many messages as there are, each alone. */
      values: async (count: number) => {
        const values: unknown[] = [];
        await until(`${count} messages came`, async () => {
          values.push(...(await subscription.pull(1)).map(valueOf));
          return values.length >= count;
        });
        return values;
      },
    });
  };
  const publish = (...values: string[]) =>
    source.publish(values.map((value) => ({ stream, fields: entry(value) })));
  return { driver, source, stream, events, lost, subscribe, publish };
}

describe('core NATS', needsNats(), () => {
  let server: TestNats;
  beforeAll(async () => {
    server = await testNats();
  });
  afterAll(() => server.cleanup());

  const own = async (options: TestNatsOptions = {}) => {
    const started = await testNats(options);
    onTestFinished(() => started.cleanup());
    return started;
  };

  describe('messages of other programs', () => {
    it('have the id and time of their arrival, and their body as payload', async () => {
      const { driver, stream, subscribe } = await connected(server);
      const subscription = await subscribe();
      const before = Date.now();
      await foreign(server, stream, 'one', 'two');
      const leases = await subscription.pull(2);
      expect(leases.map(({ fields }) => fields)).toEqual([
        ['payload', 'one'],
        ['payload', 'two'],
      ]);
      const [first, second] = leases.map(({ id }) => id);
      expect(driver.ids.accepts(first!)).toBe(true);
      expect(driver.ids.compare(first!, second!)).toBeLessThan(0);
      expect(leases[0]!.publishedAt).toBeGreaterThanOrEqual(before - 1);
      expect(leases[0]!.publishedAt).toBeLessThanOrEqual(Date.now() + 1);
    });

    it('have an id of their own where theirs cannot be one', async () => {
      const { driver, stream, subscribe } = await connected(server);
      const subscription = await subscribe();
      const odd = headers();
      odd.set('Streams-Id', '12');
      server.client.publish(stream, 'one', { headers: odd });
      const [lease] = await subscription.pull(1);
      expect(driver.ids.accepts(lease!.id)).toBe(true);
    });
  });

  it('a stream whose name is a pattern of NATS is warned of once', async () => {
    const { events, stream, subscribe } = await connected(server);
    const codes: string[] = [];
    events.on('warning', ({ code }) => codes.push(code));
    await subscribe({ streams: [`${stream}.>`, stream] });
    await subscribe({ streams: [`${stream}.>`] });
    expect(codes).toEqual(['NATS_WILDCARD']);
  });

  it('a message whose headers the client refuses has its body alone, and hides no others', async () => {
    const { publish, stream, subscribe } = await connected(server);
    const subscription = await subscribe();
    await publish('before');
    await publishBytes(server.server.port, stream, 'error: line one\nline two', '{"n":1}');
    await publish('after');
    const leases: Lease[] = [];
    while (leases.length < 3) leases.push(...(await subscription.pull(3)));
    expect(leases.map(({ fields }) => fields!.slice(-2))).toEqual([
      ['payload', 'before'],
      ['payload', '{"n":1}'],
      ['payload', 'after'],
    ]);
    expect(leases[1]!.fields).toHaveLength(2);
  });

  describe('a backlog', () => {
    it('is bounded by the number of messages; those above it are dropped, and counted', async () => {
      const { stream, lost, subscribe, publish } = await connected(server, {
        maxBufferedMessages: 10,
      });
      const subscription = await subscribe();
      await publish(...Array.from({ length: 25 }, (_, at) => `v${at}`));
      await until('the loss was told', () => lost.length > 0);
      expect(lost).toEqual([{ stream, group: 'shop', count: 15, why: 'buffer-full' }]);
      expect(await subscription.values(10)).toEqual(
        Array.from({ length: 10 }, (_, at) => `v${at}`),
      );
      await publish('later');
      expect(await subscription.values(1)).toEqual(['later']);
    });

    it('is bounded by bytes', async () => {
      const { stream, lost, subscribe, publish } = await connected(server, {
        maxBufferedBytes: 10_000,
      });
      const subscription = await subscribe();
      await publish('a'.repeat(6000), 'b'.repeat(6000), 'c');
      await subscription.close();
      expect(lost).toEqual([
        { stream, group: 'shop', count: 1, why: 'buffer-full' },
        { stream, group: 'shop', count: 2, why: 'closed' },
      ]);
    });
  });

  describe('an outage', () => {
    it('loses what is published meanwhile, says so, and reading goes on', async () => {
      const started = await own();
      const { stream, lost, events, source, subscribe, publish } = await connected(started);
      const subscription = await subscribe();
      await publish('before');
      expect(await subscription.values(1)).toEqual(['before']);
      const broken = new Promise((resolve) => events.on('disconnected', resolve));
      await started.server.kill();
      await broken;
      expect(lost).toEqual([]);
      await started.server.start();
      await until('the loss was told', () => lost.length > 0);
      expect(lost).toEqual([{ stream, group: 'shop', count: undefined, why: 'outage' }]);
      expect(await source.publish([{ stream, fields: entry('after') }])).toEqual([
        expect.any(String),
      ]);
      expect(await subscription.values(1)).toEqual(['after']);
    });

    it('keeps what this process has in hand', async () => {
      const started = await own();
      const { events, source, subscribe, publish } = await connected(started);
      const subscription = await subscribe();
      await publish('first', 'second');
      const [lease] = await subscription.pull(1);
      const broken = new Promise((resolve) => events.on('disconnected', resolve));
      await started.server.kill();
      await broken;
      expect(await source.settle([{ lease: lease!, settlement: retry(0) }])).toEqual(['settled']);
      expect(await subscription.begin(lease!)).toBe('started');
      expect(await source.settle([{ lease: lease!, settlement: ack }])).toEqual(['settled']);
      expect(await subscription.values(1)).toEqual(['second']);
      await started.server.start();
    });

    it('that does not end makes publishing fail, and says that nothing was sent', async () => {
      const started = await own();
      const { events, publish, subscribe } = await connected(started, { connectTimeout: 200 });
      await subscribe();
      const broken = new Promise((resolve) => events.on('disconnected', resolve));
      await started.server.kill();
      await broken;
      expect(await publish('lost')).toMatchObject([
        { code: 'NATS_CONNECTION', outcome: 'not-sent' },
      ]);
      await started.server.start();
    });

    it('ends the reading where maxReconnects says so', async () => {
      const started = await own();
      const { subscribe } = await connected(started, { maxReconnects: 1 });
      const subscription = await subscribe({ blockTimeout: 50 });
      await started.server.kill();
      const failed = async () => {
        try {
          await subscription.pull(1);
          return undefined;
        } catch (error) {
          return (error as { code: string }).code;
        }
      };
      await until('reading fails', async () => (await failed()) === 'NATS_GIVEN_UP');
      await started.server.start();
    });
  });

  describe('a subscription that leaves a stream alone', () => {
    it('leaves its messages to other members of the group', async () => {
      const { stream, subscribe, publish } = await connected(server);
      const first = await subscribe();
      const second = await subscribe({ consumer: 'two' });
      first.watch(new Set());
      await publish('flush');
      expect(await second.values(1)).toEqual(['flush']);
      await publish(...Array.from({ length: 20 }, (_, at) => `v${at}`));
      expect(await second.values(20)).toHaveLength(20);
      first.watch(new Set([stream]));
      second.watch(new Set());
      await publish('back');
      await publish('again');
      expect(await first.values(1)).toHaveLength(1);
    });

    it('keeps what was given back, for when it reads on', async () => {
      const { source, stream, lost, subscribe, publish } = await connected(server);
      const subscription = await subscribe({ blockTimeout: 50 });
      await publish('a', 'b', 'c');
      const leases = await subscription.pull(2);
      subscription.watch(new Set());
      for (const lease of leases.toReversed()) {
        expect(await source.settle([{ lease, settlement: release }])).toEqual(['settled']);
      }
      expect(await subscription.pull(5)).toEqual([]);
      subscription.watch(new Set([stream]));
      const again = await subscription.pull(5);
      expect(again.map((lease) => [valueOf(lease), lease.attempt, lease.charged])).toEqual([
        ['a', 0, false],
        ['b', 0, false],
        ['c', 1, true],
      ]);
      expect(lost).toEqual([]);
    });
  });

  describe('an end', () => {
    it('hands out what has arrived, and gets nothing more', async () => {
      const { subscribe, publish } = await connected(server);
      const subscription = await subscribe();
      await publish('a', 'b');
      const drained = subscription.drain!();
      let over = false;
      void drained.then(() => (over = true));
      expect(await subscription.values(1)).toEqual(['a']);
      expect(over).toBe(false);
      expect(await subscription.values(1)).toEqual(['b']);
      await drained;
      const other = await subscribe({ consumer: 'two' });
      await publish('c');
      expect(await other.values(1)).toEqual(['c']);
    });

    it('counts what was not settled', async () => {
      const { source, stream, lost, subscribe, publish } = await connected(server);
      const subscription = await subscribe();
      await publish('settled', 'given back', 'running', 'waiting');
      const [settled, givenBack] = await subscription.pull(3);
      await source.settle([
        { lease: settled!, settlement: ack },
        { lease: givenBack!, settlement: release },
      ]);
      await subscription.close();
      expect(lost).toEqual([{ stream, group: 'shop', count: 3, why: 'closed' }]);
    });
  });

  describe('rights that are missing', () => {
    const limited = {
      config: {
        authorization: {
          users: [
            {
              user: 'app',
              password: 'app',
              permissions: { publish: ['may.>', '_INBOX.>'], subscribe: ['may.>', '_INBOX.>'] },
            },
          ],
        },
      },
    };
    const login = { user: 'app', pass: 'app' };

    it('to subscribe refuse the subscription', async () => {
      const started = await own({ ...limited, login: { server: {}, client: login } as never });
      const { subscribe } = await connected(started, { user: 'app', password: 'app' });
      await expect(subscribe()).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    });

    it('to publish refuse these messages, and no others', async () => {
      const started = await own({ ...limited, login: { server: {}, client: login } as never });
      const { source } = await connected(started, { user: 'app', password: 'app' });
      const results = await source.publish(
        ['may.one', 'not.two', 'may.three'].map((stream) => ({ stream, fields: entry('x') })),
      );
      expect(results).toEqual([
        expect.any(String),
        expect.objectContaining({ code: 'PERMISSION_DENIED' }),
        expect.any(String),
      ]);
    });
  });

  it('refuses a message that the server would not take', async () => {
    const started = await own({ config: { max_payload: 2048 } });
    const { publish } = await connected(started);
    expect(await publish('small', 'x'.repeat(3000))).toEqual([
      expect.any(String),
      expect.objectContaining({ code: 'PAYLOAD_TOO_LARGE', limit: 2048 }),
    ]);
  });

  it('refuses to begin at an earlier message, and says why', async () => {
    const { subscribe, publish } = await connected(server);
    const [id] = await publish('a');
    await expect(subscribe({ startId: id as string })).rejects.toThrow(
      'core NATS keeps no messages, and begins with the next one',
    );
  });

  it('settles in this process: what is left, given up or published with an acknowledgement', async () => {
    const { source, stream, subscribe, publish } = await connected(server);
    const subscription = await subscribe();
    await publish('a', 'b', 'c');
    const [left, givenUp, published] = await subscription.pull(3);
    const next = `${stream}.next`;
    const follower = await subscribe({ streams: [next] });
    const outcomes = await source.settle([
      { lease: left!, settlement: leave },
      { lease: givenUp!, settlement: deadLetter('x'), record: recordFor(givenUp!, 'shop', 'one') },
      {
        lease: published!,
        settlement: { ...ack, publish: [{ stream: next, fields: entry('d') }] },
      },
    ]);
    expect(outcomes).toEqual([expect.any(Error), 'settled', 'settled']);
    expect(await follower.values(1)).toEqual(['d']);
  });

  it('publishes what is not published yet where an acknowledgement is tried again', async () => {
    const started = await own({ config: { max_payload: 2048 } });
    const { source, stream, subscribe, publish } = await connected(started);
    const subscription = await subscribe();
    const next = `${stream}.next`;
    const follower = await subscribe({ streams: [next], blockTimeout: 100 });
    await publish('a');
    const [lease] = await subscription.pull(1);
    const settle = (second: string) =>
      source.settle([
        {
          lease: lease!,
          settlement: {
            ...ack,
            publish: ['1', second, '3'].map((value) => ({ stream: next, fields: entry(value) })),
          },
        },
      ]);
    expect(await settle('x'.repeat(3000))).toEqual([
      expect.objectContaining({ code: 'PAYLOAD_TOO_LARGE' }),
    ]);
    expect(await settle('2')).toEqual(['settled']);
    expect(await settle('2')).toEqual(['gone']);
    expect(await follower.values(3)).toEqual(['1', '3', '2']);
    expect(await follower.pull(1)).toEqual([]);
  });
});
