import { describe, expect, onTestFinished, test } from 'vitest';
import type { NatsOptions } from '../../lib/drivers/nats/connection/nats.options.js';
import type { StateStore } from '../../lib/ports/state-store.js';
import { needsNats } from '../support/nats.js';
import { startNatsCluster } from '../support/nats-cluster.js';
import { startNats } from '../support/nats-server.js';
import { natsStores } from '../support/nats-stores.js';
import { until } from '../support/until.js';

const BUCKET = 'KV_streams-state';

/** What callers of a store know of their additions to one counter. */
class Additions {
  sure = 0;
  /** The call failed, and the server may have carried it out. */
  unknown = 0;
  private stopped = false;
  private readonly running: Promise<void>[] = [];

  begin(store: StateStore): void {
    this.running.push(this.add(store));
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.running);
  }

  private async add(store: StateStore): Promise<void> {
    while (!this.stopped) {
      const found = await store.get('count').catch(() => null);
      if (found === null) continue;
      try {
        if (await store.compareAndSet('count', found, `${Number(found ?? 0) + 1}`)) this.sure++;
      } catch (error) {
        if ((error as { outcome?: string }).outcome === 'unknown') this.unknown++;
      }
    }
  }
}

/** Adds from three processes while a fault is made, twice, then compares with what the store has. */
async function addThrough(options: NatsOptions, fault: () => Promise<void>): Promise<void> {
  const stores = Array.from({ length: 3 }, () => natsStores({ requestTimeout: 1000, ...options }));
  onTestFinished(async () => void (await Promise.all(stores.map((one) => one.close()))));
  const additions = new Additions();
  for (const { state } of stores) for (let at = 0; at < 3; at++) additions.begin(state);
  const more = async (count: number): Promise<void> => {
    const enough = additions.sure + count;
    await until(`${count} more are added`, () => additions.sure >= enough);
  };
  await more(200);
  for (let turn = 0; turn < 2; turn++) {
    await fault();
    await more(200);
  }
  await additions.stop();
  const count = Number(await stores[0]!.state.get('count'));
  expect(count).toBeGreaterThanOrEqual(additions.sure);
  expect(count).toBeLessThanOrEqual(additions.sure + additions.unknown);
}

describe('compareAndSet on NATS loses no addition and makes none twice', needsNats('floor'), () => {
  test('where the server is killed and started', async () => {
    const server = await startNats();
    onTestFinished(() => server.stop());
    await addThrough({ url: server.url() }, async () => {
      await server.kill();
      await server.start();
    });
  }, 60_000);

  test('where the leader of three servers is killed, and comes back', async () => {
    const cluster = await startNatsCluster();
    onTestFinished(() => cluster.stop());
    const options = { servers: cluster.urls(), streams: { replicas: 3 } };
    await addThrough(options, async () => {
      const leader = await cluster.killLeaderOf(BUCKET);
      await cluster.untilLed(BUCKET);
      await leader.start();
    });
  }, 60_000);
});
