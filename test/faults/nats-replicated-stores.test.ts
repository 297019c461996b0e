import { describe, expect, onTestFinished, test } from 'vitest';
import type { DeadLetterRecord } from '../../lib/core/dead-letter-record.js';
import type { NatsStateStore } from '../../lib/drivers/nats/state/nats.state-store.js';
import { startNatsCluster } from '../support/nats-cluster.js';
import { natsStores } from '../support/nats-stores.js';
import { needsNats } from '../support/nats.js';

const record = (id: string): DeadLetterRecord => ({
  stream: 'orders',
  id,
  group: 'billing',
  consumer: 'worker-1',
  attempts: 5,
  reason: 'max-deliveries',
  publishedAt: '2026-01-01T00:00:00.000Z',
  deadLetteredAt: '2026-01-02T00:00:00.000Z',
});

describe('dead letters of nats on three servers', needsNats('floor'), () => {
  test('are listed and redriven as the leader has them, wherever a process is connected', async () => {
    const cluster = await startNatsCluster();
    onTestFinished(() => cluster.stop());
    const all = cluster.urls().map((url) => natsStores({ url, streams: { replicas: 3 } }));
    onTestFinished(async () => void (await Promise.all(all.map((one) => one.close()))));
    const lettersOf = (turn: number) => all[turn % 3]!.deadLetters;
    let after: string | undefined;
    for (let turn = 0; turn < 200; turn++) {
      const id = await lettersOf(turn).put(record(String(turn)), ['n', String(turn)]);
      const page = await lettersOf(turn + 1).list('orders', 10, after);
      expect(page.items.map(({ deadLetterId }) => deadLetterId)).toEqual([id]);
      after = id;
    }
    expect(await lettersOf(0).redrive('orders', { all: true })).toBe(200);
    for (let turn = 0; turn < 30; turn++) {
      await lettersOf(turn).put(record(String(turn)), []);
      expect(await lettersOf(turn + 1).redrive('orders', { all: true })).toBe(1);
    }
    expect((await lettersOf(0).list('orders', 10)).items).toEqual([]);
  });
});

describe('the state store of nats on three servers', needsNats('floor'), () => {
  test('reads from the leader: each read sees each write before it', async () => {
    const cluster = await startNatsCluster();
    onTestFinished(() => cluster.stop());
    const stores = cluster.urls().map((url) => natsStores({ url, streams: { replicas: 3 } }));
    onTestFinished(async () => void (await Promise.all(stores.map((one) => one.close()))));
    const [one, two, three] = stores.map(({ state }) => state) as [
      NatsStateStore,
      NatsStateStore,
      NatsStateStore,
    ];
    for (let turn = 0; turn < 50; turn++) {
      await one.set('key', `${turn}`);
      expect(await Promise.all([two.get('key'), three.get('key')])).toEqual([`${turn}`, `${turn}`]);
    }
    const add = async (state: NatsStateStore): Promise<void> => {
      for (;;) {
        const found = await state.get('count');
        if (await state.compareAndSet('count', found, `${Number(found ?? 0) + 1}`)) return;
      }
    };
    await Promise.all(
      [one, two, three].flatMap((state) => Array.from({ length: 5 }, () => add(state))),
    );
    expect(await one.get('count')).toBe('15');
    await one.set('key', 'value');
    const deleted = await Promise.all([one, two, three].map((state) => state.delete('key')));
    expect(deleted.filter(Boolean)).toHaveLength(1);
  });
});
