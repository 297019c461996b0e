import { randomBytes } from 'node:crypto';
import {
  jetstream,
  jetstreamManager,
  type JetStreamManager,
  type StoredMsg,
} from '@nats-io/jetstream';
import { headers as natsHeaders } from '@nats-io/transport-node';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
} from 'vitest';
import type { DeadLetterRecord } from '../../lib/core/dead-letter-record.js';
import type { NatsDeadLetters } from '../../lib/drivers/nats/dead-letters/nats.dead-letters.js';
import { decodeLetter } from '../../lib/drivers/nats/dead-letters/letter.js';
import { needsNats, testNats, type TestNats } from '../support/nats.js';
import { startNats } from '../support/nats-server.js';
import { killAndStart, natsStores, type NatsStores } from '../support/nats-stores.js';

const LETTERS = 'streams-dead-letters';
const REDRIVEN = 'streams-redriven';

const record = (id: string, more: Partial<DeadLetterRecord> = {}): DeadLetterRecord => ({
  stream: 'orders',
  id,
  group: 'billing',
  consumer: 'worker-1',
  attempts: 5,
  reason: 'max-deliveries',
  publishedAt: '2026-01-01T00:00:00.000Z',
  deadLetteredAt: '2026-01-02T00:00:00.000Z',
  ...more,
});

for (const version of ['floor', 'current'] as const) {
  describe(`dead letters of nats, ${version}`, needsNats(version), () => {
    let server: TestNats;
    let manager: JetStreamManager;
    let stores: NatsStores;
    let letters: NatsDeadLetters;
    beforeAll(async () => {
      server = await testNats({ version });
      manager = await jetstreamManager(server.client);
    });
    afterAll(() => server.cleanup());
    beforeEach(() => {
      stores = natsStores({ url: server.url });
      letters = stores.deadLetters;
    });
    afterEach(async () => {
      await stores.close();
      for (const name of [LETTERS, REDRIVEN]) await manager.streams.delete(name).catch(() => false);
    });

    async function put(count: number, more: Partial<DeadLetterRecord> = {}): Promise<string[]> {
      const puts = Array.from({ length: count }, (_, at) =>
        letters.put(record(String(at), more), ['n', String(at)]),
      );
      return Promise.all(puts);
    }

    /** All messages that wait to be run again, oldest first. */
    async function waiting(): Promise<StoredMsg[]> {
      const { state } = await manager.streams.info(REDRIVEN);
      const found: StoredMsg[] = [];
      for (let seq = state.first_seq; found.length < state.messages; seq++) {
        const message = await manager.streams.getMessage(REDRIVEN, { seq }).catch(() => null);
        if (message) found.push(message);
      }
      return found;
    }
    const idsOf = (messages: readonly StoredMsg[]): string[] =>
      messages.map(({ data }) => decodeLetter(data).record.id);

    test('have the sequence of their message as their id, and no id twice', async () => {
      const [first] = await put(1);
      await manager.streams.delete(LETTERS);
      const [second] = await put(1);
      expect(Number(second)).toBeGreaterThan(Number(first));
      const { seq } = (await manager.streams.getMessage(LETTERS, {
        last_by_subj: '_streams.=.dead.orders.billing',
      }))!;
      expect(String(seq)).toBe(second);
    });

    test('of one message id are one', async () => {
      const fields = ['a', 'b'];
      const ids = [
        await letters.put(record('1'), fields, 'once'),
        await letters.put(record('1'), fields, 'once'),
        await letters.put(record('1'), fields, 'another'),
      ];
      expect(new Set(ids).size).toBe(2);
      expect(ids[0]).toBe(ids[1]);
    });

    test('keep bytes that are no text, also on their way back', async () => {
      const fields = ['payload', 'a\udcff\udc80b', 'ü😀\u0000', ''];
      const id = await letters.put(record('1'), fields);
      expect((await letters.get('orders', id))!.fields).toEqual(fields);
      await letters.redrive('orders', { all: true });
      const [message] = await waiting();
      expect(decodeLetter(message!.data).fields).toEqual(fields);
      expect(message!.data.includes(0xff)).toBe(true);
    });

    test('of a group that is called * are apart from those of other groups', async () => {
      await put(2);
      await put(1, { group: '*' });
      await put(1, { group: '>' });
      expect(await letters.purge('orders', { group: '*' })).toBe(1);
      expect(await letters.redrive('orders', { group: '>' })).toBe(1);
      expect((await letters.list('orders', 10)).items).toHaveLength(2);
    });

    test('of names of any length and any text are apart', async () => {
      const long = 's'.repeat(5000);
      const names = ['a.b', 'a b', 'ü', '*', `${long}1`, `${long}2`];
      for (const stream of names) await put(1, { stream, group: stream });
      for (const stream of names) {
        const { items } = await letters.list(stream, 10);
        expect(items.map((one) => [one.stream, one.group])).toEqual([[stream, stream]]);
        expect(await letters.redrive(stream, { group: stream })).toBe(1);
      }
    });

    test('that are large come in smaller pages', async () => {
      const large = 'x'.repeat(1_000_000);
      for (let at = 0; at < 20; at++) await letters.put(record(String(at)), ['large', large]);
      const first = await letters.list('orders', 100);
      expect(first.items.length).toBeLessThan(20);
      const second = await letters.list('orders', 100, first.next);
      const all = [...first.items, ...second.items];
      expect(all.map(({ id }) => Number(id))).toEqual(Array.from({ length: 20 }, (_, at) => at));
      expect(second.next).toBeUndefined();
      expect(await letters.redrive('orders', { all: true })).toBe(20);
    });

    test('lose the stack of their error, then the fields are packed, before they are refused', async () => {
      const error = { name: 'TypeError', message: 'm'.repeat(5000), stack: 's'.repeat(16_000) };
      const most = 1_048_576 - 1024;
      const get = async (size: number) => {
        const text = randomBytes(size / 2).toString('hex');
        const id = await letters.put(record('1', { error }), ['payload', text]);
        const letter = (await letters.get('orders', id))!;
        expect(letter.fields).toEqual(['payload', text]);
        return letter.error!;
      };
      expect(await get(1000)).toEqual(error);
      expect(await get(most - 10_000)).toEqual({ name: error.name, message: error.message });
      expect(await get(most - 2000)).toEqual({ name: error.name, message: 'm'.repeat(500) });
      expect(await get(most)).toEqual({ name: error.name, message: 'm'.repeat(500) });
      const noise = Array.from(randomBytes(1_048_576), (byte) => String.fromCharCode(byte & 127));
      await expect(
        letters.put(record('7'), ['payload', noise.join(''), 'more', noise.join('')]),
      ).rejects.toMatchObject({ code: 'DEAD_LETTER_TOO_LARGE', stream: 'orders', id: '7' });
    });

    describe('that are redriven', () => {
      test('wait under the sequence of each dead letter, in their order', async () => {
        const ids = await put(300);
        expect(await letters.redrive('orders', { all: true })).toBe(300);
        const messages = await waiting();
        const subjects = ids.map((id) => `_streams.=.redriven.orders.billing.${id}`);
        expect(messages.map(({ subject }) => subject)).toEqual(subjects);
        expect(idsOf(messages)).toEqual(ids.map((_, at) => String(at)));
      });

      test('are there once, where the process died between the two steps', async () => {
        const [id] = await put(2);
        const { subject, seq, data } = (await manager.streams.getMessage(LETTERS, {
          seq: Number(id),
        }))!;
        const letter = { subject, sequence: seq, body: Buffer.from(data) };
        expect(await letters.redriven.add(letter)).toBe(true);
        await killAndStart(server);
        expect((await letters.list('orders', 10)).items).toHaveLength(2);
        expect(await letters.redrive('orders', { all: true })).toBe(1);
        expect((await letters.list('orders', 10)).items).toEqual([]);
        expect(idsOf(await waiting())).toEqual(['0', '1']);
      });

      test('leave the queue, where a consumer has their message and the process died before', async () => {
        const [id, other] = await put(2);
        await letters.moved(Number(id));
        await letters.moved(Number(id));
        const { items } = await letters.list('orders', 10);
        expect(items.map(({ deadLetterId }) => deadLetterId)).toEqual([other]);
      });

      test('are there once, however many redrive them', async () => {
        await put(500);
        const others = Array.from({ length: 4 }, () => natsStores({ url: server.url }));
        onTestFinished(async () => void (await Promise.all(others.map((one) => one.close()))));
        const moved = await Promise.all(
          [stores, ...others].map((one) => one.deadLetters.redrive('orders', { all: true })),
        );
        expect(moved.reduce((sum, one) => sum + one, 0)).toBe(500);
        expect(await waiting()).toHaveLength(500);
      });

      test('are known to wait, by stream and group, and forgotten with the group', async () => {
        const { redriven } = letters;
        const streams = ['orders', 'other'];
        expect(await redriven.areWaiting(streams, 'billing')).toEqual([false, false]);
        await redriven.forget('orders', 'billing');
        await put(2);
        await put(1, { group: 'shipping' });
        await letters.redrive('orders', { all: true });
        expect(await redriven.areWaiting(streams, 'billing')).toEqual([true, false]);
        expect(await redriven.areWaiting(streams, 'nobody')).toEqual([false, false]);
        await redriven.forget('orders', 'billing');
        expect(await redriven.areWaiting(streams, 'billing')).toEqual([false, false]);
        expect(await redriven.areWaiting(streams, 'shipping')).toEqual([true, false]);
      });

      test('stay dead letters, where the server cannot store them', async () => {
        await put(3);
        await letters.redriven.areWaiting(['orders'], 'billing');
        await manager.streams.add({ name: 'taken', subjects: ['_streams.=.redriven.>'] });
        onTestFinished(async () => void (await manager.streams.delete('taken')));
        await expect(letters.redrive('orders', { all: true })).rejects.toMatchObject({
          code: 'SERVER_REPLY',
        });
        expect((await letters.list('orders', 10)).items).toHaveLength(3);
      });
    });

    test('are gone with their stream, and that is told', async () => {
      await put(3);
      await manager.streams.delete(LETTERS);
      expect((await letters.list('orders', 10)).items).toEqual([]);
      expect(stores.warnings).toEqual(['NATS_STREAM_MADE_AGAIN']);
      expect(await letters.purge('orders', { all: true })).toBe(0);
      await put(1);
      expect((await letters.list('orders', 10)).items).toHaveLength(1);
    });

    test('that this version cannot read hide no others, are told of once, and can be purged', async () => {
      const subject = '_streams.=.dead.orders.billing';
      const bodies = [
        'garbage',
        '',
        '{}\n',
        '{"record":{},"lengths":[]}\n',
        '{"record":1}',
        '[]\n',
        'null\n',
      ];
      await put(1);
      const client = jetstream(server.client);
      const headers = natsHeaders();
      headers.set('Own', 'header');
      const seqs = await Promise.all(
        bodies.map(async (body) => (await client.publish(subject, body, { headers })).seq),
      );
      await put(1);
      for (let turn = 0; turn < 2; turn++) {
        const page = await letters.list('orders', 100);
        expect(page.items.map(({ id }) => id)).toEqual(['0', '0']);
      }
      const first = await letters.list('orders', 3);
      expect(first.items).toHaveLength(1);
      expect((await letters.list('orders', 100, first.next)).items).toHaveLength(1);
      expect(await letters.get('orders', String(seqs[0]))).toBeUndefined();
      expect(stores.warnings).toEqual(bodies.map(() => 'NATS_LETTER_UNREADABLE'));
      expect(await letters.redrive('orders', { ids: seqs.map(String) })).toBe(0);
      expect(await letters.redrive('orders', { all: true })).toBe(2);
      const ids = seqs.map(String);
      expect(await letters.purge('orders', { ids, group: 'shipping' })).toBe(0);
      expect(await letters.purge('orders', { ids, group: 'billing' })).toBe(bodies.length);
      expect((await manager.streams.info(LETTERS)).state.messages).toBe(0);
    });

    test('leave no consumer on the server', async () => {
      await put(10);
      for (let turn = 0; turn < 5; turn++) await letters.list('orders', 3);
      await letters.redrive('orders', { all: true });
      await stores.connection.flush();
      expect((await manager.streams.info(LETTERS)).state.consumer_count).toBe(0);
    });
  });
}

describe('dead letters of nats on a server with limits', needsNats('floor'), () => {
  test('are listed and redriven all the same', async () => {
    const limits = { max_request_batch: 10, duplicate_window: '30s' };
    const server = await startNats({ config: { jetstream: { limits } } });
    onTestFinished(() => server.stop());
    const stores = natsStores({ url: server.url() });
    onTestFinished(() => stores.close());
    const { deadLetters } = stores;
    for (let at = 0; at < 25; at++) await deadLetters.put(record(String(at)), []);
    const first = await deadLetters.list('orders', 100);
    const second = await deadLetters.list('orders', 100, first.next);
    const third = await deadLetters.list('orders', 100, second.next);
    const pages = [first, second, third].map(({ items }) => items.length);
    expect([pages, third.next]).toEqual([[10, 10, 5], undefined]);
    expect(await deadLetters.redrive('orders', { all: true })).toBe(25);
  });

  test('that are full refuse dead letters, and say what to do', async () => {
    const server = await startNats();
    onTestFinished(() => server.stop());
    const stores = natsStores({ url: server.url() });
    onTestFinished(() => stores.close());
    const { deadLetters, connection } = stores;
    await deadLetters.put(record('1'), []);
    const js = await connection.js('testing');
    const { config } = await js.manager.streams.info('streams-dead-letters');
    await js.manager.streams.update(config.name, { ...config, max_msgs: 1 });
    const error: unknown = await deadLetters
      .put(record('2'), [])
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'STREAM_FULL', stream: 'streams-dead-letters' });
    expect((error as Error).message).toMatch(/maximum messages exceeded.*Redrive or purge/);
  });
});
