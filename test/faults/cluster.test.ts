import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { NotReplicatedError } from '../../lib/core/errors/publishing.errors.js';
import { slotOf } from '../../lib/drivers/redis/topology/slots.js';
import { ConnectionStatus } from '../../lib/nest/transport/connection-status.js';
import { gate } from '../support/engine.js';
import { pace, quiet } from '../support/passing-time.js';
import { startCluster, type TestCluster } from '../support/redis-cluster.js';
import { RecordingConsumer } from '../support/recording-consumer.js';
import { until } from '../support/until.js';

const NODE_TIMEOUT = 1000;
const COMMAND_TIMEOUT = 3000;

let cluster: TestCluster;
let consumer: RecordingConsumer;
let streams: string[];
beforeAll(async () => {
  cluster = await startCluster({ replicas: 1, nodeTimeout: NODE_TIMEOUT });
}, 30_000);
afterAll(() => cluster.stop());
beforeEach(async ({ task }) => {
  streams = await oneOfEachMaster(task.id);
  const redis = { cluster: cluster.addresses.slice(-1), commandTimeout: COMMAND_TIMEOUT };
  consumer = await RecordingConsumer.start({ redis, streams });
});
afterEach(() => consumer.close());

/** Names of streams, one for each master. */
async function oneOfEachMaster(name: string): Promise<string[]> {
  const found = new Map<string, string>();
  for (let number = 0; found.size < 3; number++) {
    const stream = `${name}-${number}`;
    found.set((await cluster.masterOf(stream)).id, stream);
  }
  return [...found.values()];
}

/** Publishes to all streams without a pause, and remembers what was acknowledged. */
class Load {
  readonly acknowledged: { readonly stream: string; readonly id: string }[] = [];
  readonly refused: unknown[] = [];
  private running = true;
  private readonly loops = streams.map((stream) => this.publish(stream));

  async stop(): Promise<void> {
    this.running = false;
    await Promise.all(this.loops);
  }

  on(stream: string): number {
    return this.acknowledged.filter((one) => one.stream === stream).length;
  }

  private async publish(stream: string): Promise<void> {
    while (this.running) {
      try {
        const ids = await consumer.publish(stream, 3);
        for (const id of ids) this.acknowledged.push({ stream, id });
      } catch (error) {
        this.refused.push(error);
      }
      await pace(2);
    }
  }
}

const nameOf = ({ stream, id }: { stream: string; id: string }): string => `${stream} ${id}`;

async function untilHandled(load: Load, lost: ReadonlySet<string> = new Set()): Promise<void> {
  await until(
    'everything acknowledged is handled',
    () => {
      const handled = new Set(consumer.handled.map(nameOf));
      return load.acknowledged.every((one) => handled.has(nameOf(one)) || lost.has(nameOf(one)));
    },
    20_000,
    () => `${load.acknowledged.length} acknowledged, ${consumer.handled.length} handled`,
  );
}

describe('a cluster', () => {
  it('agrees on the slots of keys', async () => {
    const names = ['', 'orders', 'größe', '{a}b', 'x{a}b{c}', '{}a', '{a', 'a}b', '{{a}}', '😀'];
    for (const name of [...names, ...Array.from({ length: 100 }, (_, n) => `key:${n * n}`)]) {
      expect(await cluster.nodes[0]!.client.cluster('KEYSLOT', name)).toBe(slotOf(name));
    }
  });

  it('takes its slots to other nodes under load', { timeout: 60_000 }, async () => {
    const load = new Load();
    for (const [index, stream] of streams.entries()) {
      await until('it is under load', () => load.on(stream) > 100 * (index + 1));
      const from = await cluster.masterOf(stream);
      const to = cluster.nodes.slice(0, 3).find(({ id }) => id !== from.id)!;
      await cluster.migrate(stream, to);
      const published = load.on(stream);
      await until('it goes on at its new node', () => load.on(stream) > published + 100);
    }
    await load.stop();
    await untilHandled(load);
    const twice = consumer.handled.length - new Set(consumer.handled.map(nameOf)).size;
    console.log(
      `3 slots migrated: ${load.acknowledged.length} acknowledged, all handled, ${twice} twice, ${load.refused.length} publishes refused`,
    );
    expect(load.refused).toEqual([]);
    expect(twice).toBe(0);
  });

  it('waits for the end of a migration that takes its time', { timeout: 60_000 }, async () => {
    const [stream] = streams as [string];
    const from = await cluster.masterOf(stream);
    const to = cluster.nodes.slice(0, 3).find(({ id }) => id !== from.id)!;
    await consumer.publish(stream, 10);
    const slot = slotOf(stream);
    await to.client.cluster('SETSLOT', slot, 'IMPORTING', from.id);
    await from.client.cluster('SETSLOT', slot, 'MIGRATING', to.id);
    const keys = (await from.client.cluster('GETKEYSINSLOT', slot, 100)) as string[];
    await from.client.call('MIGRATE', '127.0.0.1', to.server.port, '', 0, 5000, 'KEYS', ...keys);

    // The key is there already, the slot is not.
    await consumer.publish(stream, 10);
    await until('what was published meanwhile is read', () => consumer.ids(stream).length === 20);
    await cluster.migrate(stream, to);
    await consumer.publish(stream, 10);
    await until('all is handled', () => consumer.ids(stream).length === 30);
  });

  it('says whether replicas have a message', { timeout: 60_000 }, async () => {
    const [stream] = streams as [string];
    const { producer } = consumer.runtime;
    const message = { eventType: 'made', payload: 1, stream };
    const id = await producer.publish({ ...message, waitReplicas: 1 });
    const publishing = producer.publish({ ...message, waitReplicas: 2 });
    const error = (await publishing.catch((thrown: unknown) => thrown)) as NotReplicatedError;
    expect(error).toBeInstanceOf(NotReplicatedError);
    expect(error).toMatchObject({ wanted: 2, replicas: 1 });
    await until('both are handled', () => consumer.ids(stream).length === 2);
    expect(consumer.ids(stream)).toEqual([id, error.id]);
  });

  it('loses a master, and goes on with its replica', { timeout: 60_000 }, async () => {
    const [stream, other] = streams as [string, string];
    const victim = await cluster.masterOf(stream);
    const load = new Load();
    const status: string[] = [];
    ConnectionStatus.of(consumer.runtime).tell((word) => status.push(word));
    await until('it is under load', () => load.on(stream) > 300);
    await victim.server.kill();
    const killedAt = Date.now();
    const before = load.on(stream);
    const handledThere = consumer.ids(other).length;
    await until('the other slots go on', () => consumer.ids(other).length > handledThere + 100);
    expect(load.on(stream)).toBeLessThanOrEqual(before + 3);
    await until('it goes on at the replica', () => load.on(stream) > before + 100, 20_000);
    const backAfter = Date.now() - killedAt;
    await load.stop();

    const successor = await cluster.masterOf(stream);
    expect(successor.id).not.toBe(victim.id);
    const kept = new Set((await successor.client.xrange(stream, '-', '+')).map(([id]) => id));
    const lost = load.acknowledged.filter((one) => one.stream === stream && !kept.has(one.id));
    await untilHandled(load, new Set(lost.map(nameOf)));
    console.log(
      `A master killed: back after ${backAfter} ms, ${load.acknowledged.length} acknowledged, ${lost.length} of them lost ` +
        `because they were not replicated, all others handled, ${load.refused.length} publishes failed`,
    );
    expect(status).toContain('reconnecting');
    await until('the connections that are needed are there', () => status.at(-1) === 'connected');
    const outcomes = new Set(load.refused.map((error) => (error as { outcome: string }).outcome));
    expect([...outcomes].filter((one) => one !== 'unknown' && one !== 'not-sent')).toEqual([]);
    await victim.server.start();
    await cluster.untilHealthy();
  });

  it(
    'takes nothing over that is kept, when all owners come back',
    { timeout: 60_000 },
    async () => {
      const [stream] = streams as [string];
      const held = `{${stream}}held`;
      const work = gate();
      const handle = () => work.promise;
      const redis = { cluster: cluster.addresses, commandTimeout: COMMAND_TIMEOUT };
      const owners = await Promise.all(
        ['a', 'b'].map((name) =>
          RecordingConsumer.start({
            redis,
            streams: [held],
            consumer: name,
            group: 'held',
            handle,
          }),
        ),
      );
      const [one] = owners as [RecordingConsumer];
      const started = () => owners.reduce((sum, owner) => sum + owner.running, 0);
      await one.publish(held, 40);
      await until('all of them run', () => started() === 40);
      const victim = await cluster.masterOf(held);
      await victim.client.wait(1, 1000);
      await victim.server.kill();
      const moved = async () => (await cluster.masterOf(held)).id !== victim.id;
      await until('a replica is promoted', moved, 20_000);
      await until('it is published to', () => one.publish(held).then(Boolean, () => false));
      await until('that runs, too', () => started() === 41);
      // Looks come every 100 ms, and take over what was idle for 400.
      await quiet(1000);
      work.open();
      const ids = () => owners.flatMap((owner) => owner.ids(held));
      await until('all are handled', () => new Set(ids()).size === 41);
      expect(owners.flatMap((owner) => owner.of('reclaimed'))).toEqual([]);
      expect(ids()).toHaveLength(41);
      await Promise.all(owners.map((owner) => owner.close()));
      await victim.server.start();
      await cluster.untilHealthy();
    },
  );
});
