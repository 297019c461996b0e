import { jetstreamManager, type JetStreamManager, type StreamInfo } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
  vi,
} from 'vitest';
import { Bucket } from '../../lib/drivers/nats/buckets/bucket.js';
import type { NatsOptions } from '../../lib/drivers/nats/connection/nats.options.js';
import { ExpiredSweep } from '../../lib/drivers/nats/state/expired-sweep.js';
import type { NatsStateStore } from '../../lib/drivers/nats/state/nats.state-store.js';
import { needsNats, testNats, type TestNats } from '../support/nats.js';
import { killAndStart, natsStores, type NatsStores } from '../support/nats-stores.js';
import { startNats } from '../support/nats-server.js';
import { elapse, quiet } from '../support/passing-time.js';
import { secret } from '../support/secrets.js';
import { until } from '../support/until.js';

const BUCKET = 'KV_streams-state';

for (const version of ['floor', 'current'] as const) {
  describe(`the state store of nats, ${version}`, needsNats(version), () => {
    let server: TestNats;
    let manager: JetStreamManager;
    let stores: NatsStores;
    let state: NatsStateStore;
    beforeAll(async () => {
      server = await testNats({ version });
      manager = await jetstreamManager(server.client);
    });
    afterAll(() => server.cleanup());
    beforeEach(() => {
      stores = natsStores({ url: server.url });
      ({ state } = stores);
    });
    afterEach(async () => {
      await stores.close();
      await manager.streams.delete(BUCKET).catch(() => undefined);
    });

    const bucket = (): Promise<StreamInfo> => manager.streams.info(BUCKET);
    const values = async (): Promise<number> => (await bucket()).state.messages;
    function another(options: NatsOptions = {}, keyPrefix = ''): NatsStores {
      const more = natsStores({ url: server.url, ...options }, keyPrefix);
      onTestFinished(() => more.close());
      return more;
    }

    test('keeps keys and values of any text apart', async () => {
      const odd = [
        '\u0000',
        '\ud800',
        '\udfff',
        '\ud83d',
        '\ufffd',
        '😀',
        '',
        '.',
        '*',
        '>',
        'a.b',
      ];
      for (const text of odd) await state.set(text, text);
      for (const text of odd) {
        expect(await state.get(text)).toBe(text);
        for (const other of odd.filter((one) => one !== text)) {
          expect(await state.compareAndSet(text, other, 'wrong')).toBe(false);
        }
      }
      const long = 'k'.repeat(10_000);
      await state.set(`${long}1`, 'one');
      await state.set(`${long}2`, 'two');
      expect([await state.get(`${long}1`), await state.get(`${long}2`)]).toEqual(['one', 'two']);
    });

    test('takes many calls before it is connected, and Node warns of nothing', async () => {
      const warn = vi.spyOn(process, 'emitWarning');
      onTestFinished(() => warn.mockRestore());
      const keys = Array.from({ length: 50 }, (_, index) => `key-${index}`);
      await Promise.all(keys.map((key) => state.set(key, key)));
      expect(await Promise.all(keys.map((key) => state.get(key)))).toEqual(keys);
      expect(warn).not.toHaveBeenCalled();
    });

    test('of one key prefix is apart from that of another', async () => {
      await state.set('key', 'mine');
      const other = another({}, 'app:').state;
      expect(await other.get('key')).toBeUndefined();
      await other.set('key', 'of the app');
      expect(await state.get('key')).toBe('mine');
      await manager.streams.delete('KV_streams-state-app_3A');
    });

    test('has values that other clients of NATS read and write', async () => {
      await state.set('order-17', 'paid');
      const kv = await new Kvm(server.client).open('streams-state');
      expect((await kv.get('order-17'))?.string()).toBe('paid');
      await kv.put('order-17', 'refunded');
      expect(await state.get('order-17')).toBe('refunded');
      await kv.delete('order-17');
      expect(await state.exists('order-17')).toBe(false);
      expect(await state.setIfAbsent('order-17', 'again')).toBe(true);
      expect(await state.get('order-17')).toBe('again');
    });

    test('leaves nothing behind a deleted key', async () => {
      await state.set('key', 'value');
      expect(await state.delete('key')).toBe(true);
      expect(await values()).toBe(0);
    });

    test('deletes a key once, however many try', async () => {
      await state.set('key', 'value');
      const others = Array.from({ length: 5 }, () => another().state);
      const gone = await Promise.all([state, ...others].map((one) => one.delete('key')));
      expect(gone.filter(Boolean)).toHaveLength(1);
    });

    test('takes an expired key for an absent one, whether the server still has it or not', async () => {
      await state.set('key', 'old', 1);
      await elapse(20);
      expect(await values()).toBe(1);
      expect(await state.delete('key')).toBe(false);
      const others = Array.from({ length: 10 }, () => another().state);
      const set = others.map((one, at) => one.setIfAbsent('key', `${at}`, 60_000));
      expect((await Promise.all(set)).filter(Boolean)).toHaveLength(1);
      expect(await state.get('key')).not.toBe('old');
    });

    test("counts by the server's clock, not by that of this process", async () => {
      await state.set('short', 'value', 300);
      await state.set('long', 'value', 60_000);
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 86_400_000 });
      onTestFinished(() => void vi.useRealTimers());
      const tomorrow = another().state;
      expect(await tomorrow.get('long')).toBe('value');
      await tomorrow.set('new', 'value', 60_000);
      vi.setSystemTime(Date.now() - 2 * 86_400_000);
      const yesterday = another().state;
      expect(await yesterday.get('new')).toBe('value');
      await until('the short one has expired', async () => !(await yesterday.exists('short')));
    });

    test('refuses what the server would not take, and takes all below', async () => {
      const most = 1_048_576 - 512;
      const large = 'ü'.repeat(most / 2);
      await state.set('key', large, 60_000);
      expect((await state.get('key')) === large).toBe(true);
      const refused = state.set('key', `${large}x`);
      await expect(refused).rejects.toMatchObject({
        code: 'STATE_VALUE_TOO_LARGE',
        ...{ key: 'key', size: most + 1, limit: most },
      });
      expect((await state.get('key')) === large).toBe(true);
    });

    test('is there again after the server was killed', async () => {
      await state.set('key', 'value');
      await killAndStart(server);
      expect(await state.get('key')).toBe('value');
      expect(await state.compareAndSet('key', 'value', 'next')).toBe(true);
    });

    test('makes a write once, and says where it may have been made', async () => {
      const slow = another({ requestTimeout: 300 }).state;
      await slow.set('key', 'before');
      const { seq } = (await manager.streams.getMessage(BUCKET, {
        last_by_subj: '$KV.streams-state.key',
      }))!;
      server.server.freeze();
      try {
        await expect(slow.set('key', 'unknown')).rejects.toMatchObject({
          code: 'NATS_CONNECTION',
          outcome: 'unknown',
        });
      } finally {
        server.server.thaw();
      }
      await until('the server answers', async () => (await slow.get('key').catch(() => 0)) !== 0);
      expect(await state.get('key')).toBe('unknown');
      const last = await manager.streams.getMessage(BUCKET, {
        last_by_subj: '$KV.streams-state.key',
      });
      expect(last!.seq).toBe(seq + 1);
    });

    describe('whose bucket another program has deleted', () => {
      test('makes it again, and says so', async () => {
        await state.set('key', 'value');
        await manager.streams.delete(BUCKET);
        expect(await state.get('key')).toBeUndefined();
        expect(stores.warnings).toEqual(['NATS_STREAM_MADE_AGAIN']);
        await manager.streams.delete(BUCKET);
        expect(await state.setIfAbsent('key', 'again')).toBe(true);
        expect(await state.get('key')).toBe('again');
        expect(stores.warnings).toHaveLength(2);
      });

      test('does so where a program that listens to all subjects hides that it is gone', async () => {
        const quick = another({ requestTimeout: 300 });
        const all = server.client.subscribe('>', { callback: () => undefined });
        onTestFinished(() => all.unsubscribe());
        await quick.state.set('key', 'value');
        await manager.streams.delete(BUCKET);
        await quick.state.set('key', 'again');
        expect(await quick.state.get('key')).toBe('again');
        expect(quick.warnings).toEqual(['NATS_STREAM_MADE_AGAIN']);
      });
    });

    test('has the replicas and the storage of the options, and refuses what cannot be changed', async () => {
      await state.set('key', 'value');
      expect((await bucket()).config).toMatchObject({ storage: 'file', num_replicas: 1 });
      const other = another({ streams: { storage: 'memory' } }).state;
      await expect(other.get('key')).rejects.toMatchObject({
        code: 'NATS_STREAM_SETTINGS',
        settings: [{ name: 'storage', found: 'file', wanted: 'memory' }],
      });
      expect(await state.get('key')).toBe('value');
    });

    describe('a sweep', () => {
      const COUNT = 10_000;

      test('deletes what has expired, and nothing else', async () => {
        await state.set('stays', 'value');
        await state.set('lives', 'value', 3_600_000);
        for (let at = 0; at < COUNT; at += 1000) {
          const some = Array.from({ length: 1000 }, (_, index) =>
            state.set(`${at + index}`, 'x', 1),
          );
          await Promise.all(some);
        }
        await elapse(5);
        const peers = [another().state, another().state];
        const deleted = await Promise.all(peers.map(({ sweep }) => sweep.turn()));
        expect(deleted).toContain(0);
        // From 2.11 on the server itself may have been faster.
        if (version === 'floor') expect(Math.max(...deleted)).toBe(COUNT);
        const schedule = 1;
        expect(await values()).toBe(2 + schedule);
        expect(await state.get('stays')).toBe('value');
        expect(await state.get('lives')).toBe('value');
      });

      test('leaves a value alone that is written meanwhile', async () => {
        const keys = Array.from({ length: 200 }, (_, index) => `key-${index}`);
        const write = (ttl?: number) => Promise.all(keys.map((key) => state.set(key, 'x', ttl)));
        for (let turn = 0; turn < 5; turn++) {
          await write(1);
          await elapse(5);
          await Promise.all([state.sweep.collect(), another().state.sweep.collect(), write()]);
          expect(await values()).toBe(keys.length);
        }
      });
    });
  });
}

describe('a sweep of nats without the right to delete', needsNats('floor'), () => {
  test('says so once, and leaves the next turns to other processes', async () => {
    const password = secret('user');
    const user = {
      user: 'orders',
      password,
      permissions: { publish: { deny: ['$JS.API.STREAM.MSG.DELETE.>'] } },
    };
    const config = { authorization: { users: [user, { user: 'test', password }] } };
    const server = await startNats({ config });
    onTestFinished(() => server.stop());
    const stores = natsStores({ url: server.url(), user: 'orders', password });
    onTestFinished(() => stores.close());
    await stores.state.set('key', 'value', 1);
    await elapse(5);
    const bucket = new Bucket({ parts: stores.parts, kind: 'state', keeps: 'state' });
    const now = async () => (await stores.connection.js()).now();
    const sweep = new ExpiredSweep({ parts: stores.parts, bucket, now }, 10);
    onTestFinished(() => sweep.close());
    sweep.start();
    await until('it is told', () => stores.warnings.length > 0);
    const schedule = await bucket.get('', 'sweep.due');
    await quiet(50);
    expect(stores.warnings).toEqual(['GARBAGE_STAYS']);
    expect(await bucket.get('', 'sweep.due')).toEqual(schedule);
  });
});

describe('the state store of nats from 2.11 on', needsNats('current'), () => {
  let server: TestNats;
  beforeAll(async () => void (server = await testNats({ version: 'current' })));
  afterAll(() => server.cleanup());

  test('leaves expired values to the server, also in a bucket that an older server has made', async () => {
    const manager = await jetstreamManager(server.client);
    await manager.streams.add({
      name: BUCKET,
      subjects: ['$KV.streams-state.>'],
      max_msgs_per_subject: 1,
    });
    const stores = natsStores({ url: server.url });
    onTestFinished(() => stores.close());
    await stores.state.set('short', 'value', 100);
    await stores.state.set('long', 'value', 3_600_000);
    const left = async () => (await manager.streams.info(BUCKET)).state.messages;
    await until('the server has deleted the expired one', async () => (await left()) === 1);
    expect(await stores.state.get('long')).toBe('value');
  });
});
