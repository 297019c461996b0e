import { jetstream, jetstreamManager, type StoredMsg } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { ConnectionError } from '../../lib/core/errors/connection.errors.js';
import { PayloadTooLargeError } from '../../lib/core/errors/publishing.errors.js';
import { PermissionDeniedError } from '../../lib/core/errors/server.errors.js';
import { EventBus } from '../../lib/core/event-bus.js';
import type { OutgoingEntry } from '../../lib/core/message.js';
import type { NatsOptions } from '../../lib/drivers/nats/connection/nats.options.js';
import { StreamFullError } from '../../lib/drivers/nats/errors/stream-full.error.js';
import { nats as natsDriver } from '../../lib/drivers/nats/nats.driver.js';
import type { MessageSource } from '../../lib/ports/source.js';
import { startNats, type StartNatsOptions } from '../support/nats-server.js';
import { needsNats, testNats, type TestNats } from '../support/nats.js';
import { until } from '../support/until.js';

const VERSIONS = ['floor', 'current'] as const;

/** A source of the driver, closed after the test. */
function opened(options: NatsOptions): MessageSource {
  const { source } = natsDriver(options).open({ events: new EventBus(), keyPrefix: '' });
  onTestFinished(() => source.close());
  return source;
}

const entry = (stream: string, payload: string): OutgoingEntry => ({
  stream,
  fields: ['event_type', 'test', 'payload', payload],
});

/** All messages of a JetStream stream, by sequence. */
async function messagesOf(client: NatsConnection, name: string): Promise<StoredMsg[]> {
  const manager = await jetstreamManager(client, { checkAPI: false });
  const { state } = await manager.streams.info(name);
  const found: StoredMsg[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    const message = await manager.streams.getMessage(name, { seq });
    if (message) found.push(message);
  }
  return found;
}

/** The same after the server was started again: no client of before need know of that yet. */
async function messagesLater(url: string, name: string): Promise<StoredMsg[]> {
  const client = await connect({ servers: url });
  const found = await messagesOf(client, name);
  await client.close();
  return found;
}

const payloadsIn = async (client: NatsConnection, name: string): Promise<string[]> =>
  (await messagesOf(client, name)).map((message) => message.string());

describe('publishing to NATS', needsNats(...VERSIONS), () => {
  describe.each(VERSIONS)('on the %s version', (version) => {
    let nats: TestNats;
    let streams = 0;
    const unique = (): string => `stream-${++streams}`;
    beforeAll(async () => {
      nats = await testNats({ version });
    });
    afterAll(() => nats.cleanup());

    /** A server with settings of its own, ended after the test. */
    async function started(options: StartNatsOptions): Promise<TestNats> {
      const own = await testNats({ version, ...options });
      onTestFinished(() => own.cleanup());
      return own;
    }

    test('another program reads the payload as the body, and the event type as a header', async () => {
      const stream = unique();
      const [id] = await opened({ url: nats.url }).publish([entry(stream, '{"total":5}')]);
      const [message] = await messagesOf(nats.client, stream);
      expect(message?.subject).toBe(stream);
      expect(message?.seq).toBe(Number(id));
      expect(message?.json()).toEqual({ total: 5 });
      expect([...message!.header]).toEqual([['event_type', ['test']]]);
    });

    test('a stream is made where it is missing, though a program listens to all subjects', async () => {
      const stream = unique();
      const subscription = nats.client.subscribe('>');
      onTestFinished(() => subscription.unsubscribe());
      await nats.client.flush();
      const ids = await opened({ url: nats.url }).publish([entry(stream, '1')]);
      expect(ids).toEqual([expect.stringMatching(/^\d+$/)]);
      expect(await payloadsIn(nats.client, stream)).toEqual(['1']);
    });

    test('messages keep their order: without waiting, to a stream that is missing, and again', async () => {
      const stream = unique();
      const source = opened({ url: nats.url });
      const values = Array.from({ length: 500 }, (_, index) => String(index));
      const publishOneByOne = () =>
        Promise.all(values.map((value) => source.publish([entry(stream, value)])));
      const first = (await publishOneByOne()).flat();
      expect(first).toEqual(first.toSorted((a, b) => Number(a) - Number(b)));
      expect(await payloadsIn(nats.client, stream)).toEqual(values);
      await (await jetstreamManager(nats.client)).streams.delete(stream);
      // The server has no stream for these: the driver makes it again, and sends them again.
      const second = (await publishOneByOne()).flat();
      expect(await payloadsIn(nats.client, stream)).toEqual(values);
      expect(Number(second[0]), 'no id comes twice').toBeGreaterThan(Number(first.at(-1)));
    });

    test('a message that is too large is refused, and the others are published', async () => {
      const small = await started({ config: { max_payload: 4096 } });
      const source = opened({ url: small.url });
      const stream = unique();
      const large = 'x'.repeat(4090);
      const [first, refused, third] = await source.publish([
        entry(stream, '1'),
        entry(stream, large),
        entry(stream, '3'),
      ]);
      expect(refused).toBeInstanceOf(PayloadTooLargeError);
      expect(refused).toMatchObject({ limit: 4096, eventType: 'test' });
      expect([first, third]).toEqual([expect.any(String), expect.any(String)]);
      expect(await payloadsIn(small.client, stream)).toEqual(['1', '3']);
    });

    test('a message for which its stream has no room is refused, and the others are published', async () => {
      const [full, other] = [unique(), unique()];
      const source = opened({ url: nats.url, streams: { maxMessages: 2 } });
      const results = await source.publish([
        entry(full, '1'),
        entry(full, '2'),
        entry(full, '3'),
        entry(other, '4'),
      ]);
      expect(results[2]).toBeInstanceOf(StreamFullError);
      expect(results[2]).toMatchObject({ code: 'STREAM_FULL', stream: full });
      expect(results.toSpliced(2, 1)).toEqual(Array.from({ length: 3 }, () => expect.any(String)));
      expect(await payloadsIn(nats.client, full)).toEqual(['1', '2']);
    });

    test('a user that may only publish, and not to each subject, is told which one', async () => {
      const users = [
        { user: 'admin', password: 'admin' },
        {
          user: 'producer',
          password: 'producer',
          permissions: { publish: ['allowed'], subscribe: ['_INBOX.>'] },
        },
      ];
      const server = await startNats({ version, config: { authorization: { users } } });
      onTestFinished(() => server.stop());
      const admin = await connect({ servers: server.url(), user: 'admin', pass: 'admin' });
      onTestFinished(() => admin.close());
      const manager = await jetstreamManager(admin);
      await manager.streams.add({ name: 'allowed', subjects: ['allowed', 'forbidden'] });
      const source = opened({ url: server.url(), user: 'producer', password: 'producer' });
      const [first, refused, third] = await source.publish([
        entry('allowed', '1'),
        entry('forbidden', '2'),
        entry('allowed', '3'),
      ]);
      expect(refused).toBeInstanceOf(PermissionDeniedError);
      expect(refused).toMatchObject({ command: 'publish', key: 'forbidden' });
      expect([first, third]).toEqual(['1', '2']);
    });

    test('other programs that answer, too, change nothing', async () => {
      const stream = unique();
      const source = opened({ url: nats.url });
      await source.publish([entry(stream, '0')]);
      const garbage = ['', '{', 'null', '[]', '{"seq":"1"}', '{"stream":"x"}', '{"error":{}}'];
      let heard = 0;
      nats.client.subscribe(stream, {
        callback: (_, message) => {
          heard++;
          for (const answer of garbage) message.respond(answer);
        },
      });
      await nats.client.flush();
      const values = Array.from({ length: 100 }, (_, index) => String(index));
      const ids = await source.publish(values.map((value) => entry(stream, value)));
      await until('the program has answered', () => heard === 100);
      const stored = await messagesOf(nats.client, stream);
      expect(stored.map(({ seq }) => String(seq)).slice(1)).toEqual(ids);
    });

    test('a server that does not answer leaves it unknown, and is not sent the message twice', async () => {
      const own = await started({});
      const source = opened({ url: own.url, requestTimeout: 500 });
      await source.publish([entry('orders', '0')]);
      own.server.freeze();
      const results = await source.publish([entry('orders', '1'), entry('orders', '2')]);
      own.server.thaw();
      for (const result of results) {
        expect(result).toBeInstanceOf(ConnectionError);
        expect(result).toMatchObject({ outcome: 'unknown' });
      }
      await until('the server has stored what was under way', async () => {
        return (await payloadsIn(own.client, 'orders')).length >= 3;
      });
      await source.publish([entry('orders', '3')]);
      expect(await payloadsIn(own.client, 'orders')).toEqual(['0', '1', '2', '3']);
    });

    test('a process that was busy for longer than it waits has its answers all the same', async () => {
      const stream = unique();
      const source = opened({ url: nats.url, requestTimeout: 100 });
      await source.publish([entry(stream, '0')]);
      const publishing = source.publish([entry(stream, '1'), entry(stream, '2')]);
      // The messages go out before the process is busy.
      await new Promise((resolve) => setImmediate(resolve));
      for (const began = performance.now(); performance.now() < began + 300;);
      expect(await publishing).toEqual([expect.any(String), expect.any(String)]);
    });

    test('what comes while no server is there is not sent, and is not sent later', async () => {
      const own = await started({});
      const source = opened({ url: own.url, connectTimeout: 300 });
      await source.publish([entry('orders', '0')]);
      await own.server.kill();
      const [result] = await source.publish([entry('orders', 'lost')]);
      expect(result).toBeInstanceOf(ConnectionError);
      await own.server.start();
      await until('it is there again', async () => {
        const [id] = await source.publish([entry('orders', '1')]);
        return typeof id === 'string';
      });
      const payloads = (await messagesLater(own.url, 'orders')).map((message) => message.string());
      const isUnknown = (result as ConnectionError).outcome === 'unknown';
      expect(payloads.filter((payload) => payload === 'lost').length).toBeLessThanOrEqual(
        isUnknown ? 1 : 0,
      );
      expect(payloads.filter((payload) => payload === '1')).toEqual(['1']);
    });

    test('closing awaits what is under way', async () => {
      const stream = unique();
      const source = opened({ url: nats.url });
      const publishing = source.publish([entry(stream, '1'), entry(stream, '2')]);
      await source.close();
      expect(await publishing).toEqual([expect.any(String), expect.any(String)]);
      const [late] = await source.publish([entry(stream, '3')]);
      expect(late).toMatchObject({ code: 'CLOSED' });
    });

    test.each([0, 20, 200])(
      'a server that dies %i answers into a load: what was told is there, and nothing is there twice',
      async (answers) => {
        const own = await started({});
        // Longer than the test may take: the broken connection has to tell.
        const source = opened({ url: own.url, requestTimeout: 60_000 });
        await source.publish([entry('orders', 'first')]);
        const told = new Map<string, string | Error>();
        let calls = 0;
        /** Publishes batches until one fails. */
        const publishOn = async (producer: number): Promise<void> => {
          for (let batch = 0; ; batch++) {
            const values = Array.from({ length: 20 }, (_, at) => `${producer}-${batch}-${at}`);
            const results = await source.publish(values.map((value) => entry('orders', value)));
            for (const [at, value] of values.entries()) told.set(value, results[at]!);
            calls++;
            if (results.some((result) => result instanceof Error)) return;
          }
        };
        const producers = Promise.all(Array.from({ length: 10 }, (_, at) => publishOn(at)));
        await until('the server has answered', () => calls >= answers);
        await own.server.kill();
        await producers;
        const outcomes = [...told.values()].filter((result) => result instanceof ConnectionError);
        expect(outcomes.length, 'messages under way when the server died').toBeGreaterThan(0);
        await own.server.start();
        await until('it is there again', async () => {
          return typeof (await source.publish([entry('orders', 'last')]))[0] === 'string';
        });
        const stored = new Map<string, string[]>();
        for (const message of await messagesLater(own.url, 'orders')) {
          const ids = stored.get(message.string()) ?? [];
          stored.set(message.string(), [...ids, String(message.seq)]);
        }
        for (const [value, result] of told) {
          const ids = stored.get(value) ?? [];
          expect(ids.length, `how often ${value} is stored`).toBeLessThanOrEqual(1);
          if (typeof result === 'string') expect(ids).toEqual([result]);
          else if ((result as ConnectionError).outcome === 'not-sent') expect(ids).toEqual([]);
        }
      },
    );

    test('a server that keeps few messages waiting gets all of many, in order', async () => {
      // Where `max_buffered_msgs` are waiting, servers from 2.11 on refuse what comes.
      const jetstream = {
        store_dir: 'data',
        ...(version === 'current' && { max_buffered_msgs: 5000 }),
      };
      const own = await started({ config: { jetstream } });
      const source = opened({ url: own.url });
      await source.publish([entry('orders', 'first')]);
      const values = Array.from({ length: 30_000 }, (_, index) => String(index));
      // The server finds all that was sent at once.
      own.server.freeze();
      const publishing = source.publish(values.map((value) => entry('orders', value)));
      await new Promise((resolve) => setImmediate(resolve));
      own.server.thaw();
      const ids = await publishing;
      expect(ids.filter((id) => id instanceof Error)).toEqual([]);
      expect(ids).toEqual(ids.toSorted((a, b) => Number(a) - Number(b)));
    });

    test('a message that a program publishes to our subject by itself has our form', async () => {
      const stream = unique();
      const source = opened({ url: nats.url });
      await source.publish([entry(stream, '0')]);
      const ack = await jetstream(nats.client).publish(stream, 'theirs');
      const [id] = await source.publish([entry(stream, '1')]);
      expect(Number(id)).toBe(ack.seq + 1);
    });
  });
});
