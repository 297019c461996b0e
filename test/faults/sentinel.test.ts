import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { pace } from '../support/passing-time.js';
import { RecordingConsumer } from '../support/recording-consumer.js';
import type { RedisServer } from '../support/redis-server.js';
import { DOWN_AFTER, Sentinels } from '../support/sentinels.js';
import { until } from '../support/until.js';

/** Without a reply for so long a connection is given up, ms. */
const COMMAND_TIMEOUT = 1500;
/** What the sentinels take to find out, agree and promote, on a machine that is busy, ms. */
const FAILOVER = 15_000;
/** Longest wait between two tries to connect, and some slack, ms. */
const RECONNECT = 3000;

let topology: Sentinels;
let consumer: RecordingConsumer;
let stream: string;
beforeAll(async () => {
  topology = await Sentinels.start();
});
beforeEach(async ({ task }) => {
  stream = task.id;
  const redis = { ...topology.options, commandTimeout: COMMAND_TIMEOUT };
  consumer = await RecordingConsumer.start({ redis, streams: [stream] });
});
afterEach(() => consumer.close());
afterAll(() => topology.stop());

/** Publishes without a pause, and notes when which message was acknowledged. */
class Load {
  readonly acknowledged: { readonly id: string; readonly at: number }[] = [];
  readonly refused: unknown[] = [];
  private running = true;
  private readonly loops: Promise<void>[];

  constructor(private readonly through: RecordingConsumer) {
    this.loops = Array.from({ length: 4 }, () => this.publish());
  }

  async stop(): Promise<void> {
    this.running = false;
    await Promise.all(this.loops);
  }

  private async publish(): Promise<void> {
    while (this.running) {
      try {
        const [id] = await this.through.publish(stream);
        this.acknowledged.push({ id: id!, at: Date.now() });
      } catch (error) {
        this.refused.push(error);
      }
      await pace(2);
    }
  }
}

const millisecondOf = (id: string): number => Number(id.split('-')[0]);

/** Replaces the master under load, and reports what it came to. */
async function replaceMaster(what: string, replace: (master: RedisServer) => Promise<void>) {
  const master = await topology.master();
  const load = new Load(consumer);
  await until('it is under load', () => consumer.handled.length > 300);
  const began = Date.now();
  await replace(master);
  const moved = async () => (await topology.master()) !== master;
  await until('the sentinels have another master', moved, FAILOVER);
  const promoted = Date.now();
  const client = await topology.toMaster();
  const stored = async () => new Set((await client.xrange(stream, '-', '+')).map(([id]) => id));
  await until('handlers run what is published to it', async () => {
    const known = await stored();
    const since = consumer
      .ids(stream)
      .filter((id) => known.has(id) && millisecondOf(id) > promoted);
    return since.length > 100;
  });
  await load.stop();
  const known = await stored();
  const handled = (): Set<string> => new Set(consumer.ids(stream));
  await until('all that it has is handled', () => [...known].every((id) => handled().has(id)));
  await until('and acknowledged', async () => {
    const [pending] = (await client.xpending(stream, 'g')) as [number];
    return pending === 0;
  });
  client.disconnect();
  const kept = load.acknowledged.filter(({ id }) => known.has(id));
  const lost = load.acknowledged.filter(({ id }) => !known.has(id)).map(({ id }) => id);
  const lostFor = lost.length === 0 ? 0 : millisecondOf(lost.at(-1)!) - millisecondOf(lost[0]!);
  const stoodStill = longestGap(kept.map(({ at }) => at));
  console.log(
    `${what}: another master after ${promoted - began} ms; for ${stoodStill} ms nothing was published ` +
      `to last; ${load.acknowledged.length} acknowledged, ${load.refused.length} refused, ` +
      `${lost.length} lost with the old master, of ${lostFor} ms`,
  );
  const before = kept.map(({ id }) => millisecondOf(id)).filter((at) => at < began);
  return {
    master,
    began,
    promoted,
    lost: lost.map(millisecondOf),
    lastKept: before.at(-1)!,
    stoodStill,
  };
}

function longestGap(times: readonly number[]): number {
  return Math.max(...times.map((at, index) => at - (times[index - 1] ?? at)));
}

describe('with Sentinel', () => {
  it('a master that is killed is replaced', { timeout: 60_000 }, async () => {
    const { master, began, promoted, lost, lastKept, stoodStill } = await replaceMaster(
      'Killed',
      (server) => server.kill(),
    );
    // Replication is in order: what is lost is the end of what the old master had.
    for (const at of lost) expect(at).toBeGreaterThanOrEqual(lastKept);
    expect(stoodStill).toBeGreaterThan(DOWN_AFTER);
    expect(stoodStill).toBeLessThan(promoted - began + RECONNECT);
    await master.start();
    await topology.rejoin(master);
  });

  it('a master that is demoted while it lives is left', { timeout: 60_000 }, async () => {
    const { master, began, promoted, lost } = await replaceMaster('Demoted', () =>
      topology.failOver(),
    );
    // By itself the old master would go on to take writes for some ten seconds.
    for (const at of lost) {
      expect(at).toBeGreaterThanOrEqual(began);
      expect(at).toBeLessThan(promoted + RECONNECT);
    }
    await topology.rejoin(master);
  });

  it('a master that hangs is given up', { timeout: 60_000 }, async () => {
    const { master, began, promoted, lost, lastKept, stoodStill } = await replaceMaster(
      'Half-open',
      async (server) => server.freeze(),
    );
    for (const at of lost) expect(at).toBeGreaterThanOrEqual(lastKept);
    expect(stoodStill).toBeLessThan(promoted - began + COMMAND_TIMEOUT + RECONNECT);
    master.thaw();
  });
});
