import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StreamsEvents } from '../../lib/core/events.js';
import type { SettledEvent } from '../../lib/core/run-events.js';
import { ack } from '../../lib/core/settlement.js';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import type { StreamsOptions } from '../../lib/options/streams-options.js';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import { elapse, quiet, work } from '../support/passing-time.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { inAllSlots } from '../support/in-all-slots.js';

const QUICK = { group: 'g', blockTimeout: 300, idleTimeout: 1200, reclaimInterval: 200 };

let server: RedisServer;
let admin: Redis;
const open: StreamsRuntime[] = [];
beforeEach(async () => {
  server = await startRedis();
  admin = new Redis(server.url);
  admin.on('error', () => undefined);
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((runtime) => runtime.close()));
  admin.disconnect();
  await server.stop();
});

type Options = Partial<StreamsOptions> & {
  readonly work?: () => unknown;
  /** Told of each run, instead of its being remembered. */
  readonly seen?: (id: string) => void;
  readonly orderBy?: string;
};

/** A process of the group that handles these events, and what became of what it was given. */
async function start(events: string[], { work, orderBy, seen, ...options }: Options = {}) {
  const source = redis({ url: server.url, commandTimeout: 1000 });
  const runtime = new StreamsRuntime({ ...QUICK, ...options, slots: inAllSlots(source) });
  open.push(runtime);
  const settled: SettledEvent[] = [];
  const warnings: string[] = [];
  const waits: StreamsEvents['unhandled-waits'][] = [];
  const ran: { eventType: string; attempt: number; at: number }[] = [];
  runtime.events.on('settled', (event) => settled.push(event));
  runtime.events.on('warning', ({ code }) => warnings.push(code));
  runtime.events.on('unhandled-waits', (event) => waits.push(event));
  await runtime.subscribe([
    {
      name: 'T.run',
      events,
      options: { streams: ['s'], ...(orderBy && { orderBy }) },
      invoke: async ({ id, eventType, attempt }) => {
        if (seen) seen(id);
        else ran.push({ eventType, attempt, at: performance.now() });
        await work?.();
        return ack;
      },
    },
  ]);
  return {
    runtime,
    settled,
    warnings,
    waits,
    ran,
    outcomes: () => settled.map(({ outcome }) => outcome),
    times: (eventType: string) => ran.filter((run) => run.eventType === eventType).length,
  };
}

const publish = async (eventType: string, count = 1, from = 0): Promise<void> => {
  const batch = Array.from({ length: count }, (_, n) => n + from).flatMap((n) => [
    admin.xadd('s', '*', 'event_type', eventType, 'payload', JSON.stringify({ n, key: 'k' })),
  ]);
  await Promise.all(batch);
};

const pending = async (): Promise<number> => {
  const [count] = (await admin.xpending('s', 'g')) as [number];
  return count;
};
const settledAll = () => until('nothing is pending', async () => (await pending()) === 0);

describe('events that only another consumer handles, on Redis', () => {
  it('two consumers of one group each get all of their events, each once, also with one run each', async () => {
    const one = { maxDeliveries: 1 };
    const [x, y] = await Promise.all([start(['x'], one), start(['y'], one)]);
    for (let round = 0; round < 10; round++) {
      await publish('x', 20);
      await publish('y', 20);
    }
    await until('all were handled', () => x.times('x') === 200 && y.times('y') === 200);
    await settledAll();
    for (const bad of ['filtered', 'dead-lettered'])
      expect([...x.outcomes(), ...y.outcomes()]).not.toContain(bad);
    expect([x.ran.length, y.ran.length]).toEqual([200, 200]);
    expect([...x.ran, ...y.ran].every(({ attempt }) => attempt === 1)).toBe(true);
    const handed = [...x.settled, ...y.settled].filter(({ outcome }) => outcome === 'handed-over');
    expect(new Set(handed.map(({ attempt }) => attempt))).toEqual(new Set([0]));
  });

  it('no read fails for what is handed over, as by asking for redriven messages where there are none', async () => {
    const [x, y] = await Promise.all([start(['x']), start(['y'])]);
    for (let round = 1; round <= 10; round++) {
      await publish('x', 10);
      await publish('y', 10);
      await until('all were handled', () => x.times('x') + y.times('y') === 20 * round);
    }
    expect([...x.outcomes(), ...y.outcomes()]).toContain('handed-over');
    expect(await admin.info('errorstats')).not.toContain('NOGROUP');
  });

  it('what waits and was settled by another consumer is told as lost, not as deleted', async () => {
    const x = await start(['x'], { idleTimeout: 400 });
    await publish('y');
    await until('it waits', () => x.waits.length > 0);
    await admin.xack('s', 'g', x.waits[0]!.id);
    await until('it is given up', () => x.outcomes().some((one) => one !== 'postponed'));
    expect(x.outcomes()).toContain('lost');
  });

  it('two consumers that hold as much as they may of events of the other do not wait for ever', async () => {
    for (let round = 0; round < 10; round++) {
      await publish('y', 50);
      await publish('x', 50);
    }
    const few = { maxParked: 10, concurrency: 4, work: () => work(10) };
    const [x, y] = await Promise.all([start(['x'], few), start(['y'], few)]);
    await until('all were handled', () => x.times('x') === 500 && y.times('y') === 500, 30_000);
    await settledAll();
    expect([x.ran.length, y.ran.length]).toEqual([500, 500]);
  });

  it('both versions started in the same moment, with a backlog of the new events', async () => {
    await publish('paid', 50);
    await publish('shipped', 50);
    const [v1, v2] = await Promise.all([
      start(['paid'], { maxDeliveries: 1 }),
      start(['paid', 'shipped'], { maxDeliveries: 1 }),
    ]);
    await until('all were handled', () => v1.ran.length + v2.ran.length === 100);
    await settledAll();
    expect([...v1.outcomes(), ...v2.outcomes()]).not.toContain('dead-lettered');
    expect(v2.ran.every(({ attempt }) => attempt === 1)).toBe(true);
  });

  it('the new version starts after the old one has met its events', async () => {
    const v1 = await start(['paid'], { maxDeliveries: 1 });
    await publish('shipped', 10);
    await until('they wait', () => v1.waits.length > 0);
    const v2 = await start(['paid', 'shipped'], { maxDeliveries: 1 });
    await until('all were handled', () => v2.times('shipped') === 10);
    await settledAll();
    expect(v1.waits[0]!.why).toBe('unsettled');
  });

  it('an event that no consumer handles is filtered, once that is certain', async () => {
    const x = await start(['x']);
    await publish('z', 3);
    await until(
      'it is filtered',
      () => x.outcomes().filter((one) => one === 'filtered').length === 3,
    );
    await settledAll();
  });

  it('FLUSHALL: nothing of another is taken for unhandled', async () => {
    const x = await start(['x']);
    const y = await start(['y']);
    const { live } = x.runtime.driver;
    // From then on a consumer that is not announced counts as absent.
    await until('both stand long enough', async () => {
      const { consumers } = await live!.members('s', 'g');
      return consumers.every(({ age }) => age > live!.settlingTime);
    });
    await admin.flushall();
    await until('the group is there again', async () => {
      const groups = await admin.xinfo('GROUPS', 's').catch(() => []);
      return (groups as unknown[]).length === 1;
    });
    await publish('y', 20);
    await until('all were handled', () => y.times('y') >= 20);
    await settledAll();
    expect(x.outcomes()).not.toContain('filtered');
  });

  it('at maxmemory what another handles reaches it', async () => {
    const x = await start(['x']);
    const y = await start(['y']);
    await publish('y', 20);
    await admin.config('SET', 'maxmemory', '1mb');
    await until('all were handled', () => y.times('y') === 20);
    await elapse(2 * QUICK.idleTimeout);
    await admin.config('SET', 'maxmemory', '0');
    await publish('y', 20);
    await until('all were handled', () => y.times('y') === 40);
    await settledAll();
    expect(x.outcomes()).not.toContain('filtered');
    expect(x.outcomes()).not.toContain('dead-lettered');
  });

  it('Redis away for longer than idleTimeout: nothing of another is taken for unhandled', async () => {
    const x = await start(['x']);
    const y = await start(['y']);
    await publish('y', 10);
    await until('all were handled', () => y.times('y') === 10);
    server.freeze();
    await elapse(2 * QUICK.idleTimeout);
    server.thaw();
    await publish('y', 20, 10);
    await until('all were handled', () => y.times('y') >= 30);
    await settledAll();
    expect(x.outcomes()).not.toContain('filtered');
    expect(x.outcomes()).not.toContain('dead-lettered');
  });

  it('the only consumer of a type is restarted', async () => {
    const x = await start(['x']);
    const first = await start(['y'], { consumer: 'y' });
    await publish('y', 10);
    await until('all were handled', () => first.times('y') === 10);
    await first.runtime.drain();
    await publish('y', 10, 10);
    await until('they wait', () => x.waits.some(({ why }) => why === 'restarting'));
    const again = await start(['y'], { consumer: 'y' });
    await until('all were handled', () => again.times('y') === 10);
    expect(again.warnings).not.toContain('CONSUMER_NAME_IN_USE');
    await settledAll();
  });

  it('what only a consumer handled that is gone becomes a dead letter', async () => {
    const x = await start(['x']);
    const y = await start(['y']);
    await y.runtime.drain();
    await publish('y');
    await until('it is dead-lettered', () => x.outcomes().includes('dead-lettered'));
    expect(x.outcomes()).not.toContain('filtered');
    const { items } = await x.runtime.admin.deadLetters.list('s');
    expect(items).toMatchObject([{ reason: 'unmatched', payload: { n: 0 } }]);
  });

  it('waits for a paused receiver; hands over what was redriven', async () => {
    const x = await start(['x'], { unmatched: 'dead-letter' });
    await publish('y', 5);
    await until(
      'dead letters',
      () => x.outcomes().filter((one) => one === 'dead-lettered').length === 5,
    );
    const y = await start(['y']);
    const readings = y.runtime.consumers.find('y');
    await y.runtime.consumers.pause(readings);
    await x.runtime.admin.deadLetters.redrive('s', { all: true });
    await until('they wait', () => x.waits.filter(({ why }) => why === 'not-reading').length === 5);
    await y.runtime.consumers.resume(readings);
    await until('all were handled', () => y.times('y') === 5);
    expect(y.ran.every(({ attempt }) => attempt === 1)).toBe(true);
  });

  it('no more of them wait than maxParked says, also of what dead consumers left', async () => {
    const y = await start(['y']);
    await y.runtime.consumers.pause(y.runtime.consumers.find('y'));
    await publish('y', 200);
    await admin.xreadgroup('GROUP', 'g', 'dead', 'COUNT', 200, 'STREAMS', 's', '>');
    const rows = await admin.xpending('s', 'g', '-', '+', 200, 'dead');
    const ids = (rows as [string][]).map(([id]) => id);
    await admin.xclaim('s', 'g', 'dead', 0, ...ids, 'IDLE', 100_000, 'JUSTID');
    const x = await start(['x'], { maxParked: 10, batchSize: 5, reclaimInterval: 50 });
    await until('they wait', () => x.waits.length >= 10);
    await quiet(2000);
    // And one look's.
    expect(x.waits.length).toBeLessThanOrEqual(30);
  });

  it('an ordered stream is given to the consumer that handles the event, in order', async () => {
    const v1 = await start(['paid'], { orderBy: 'key' });
    const v2 = await start(['paid', 'shipped'], { orderBy: 'key' });
    for (let n = 0; n < 20; n++) await publish(n % 5 === 4 ? 'shipped' : 'paid', 1, n);
    await until('all were handled', () => v1.ran.length + v2.ran.length >= 20);
    await settledAll();
    const all = [...v1.ran, ...v2.ran].toSorted((a, b) => a.at - b.at);
    expect(all.map(({ eventType }) => eventType)).toEqual(
      Array.from({ length: 20 }, (_, n) => (n % 5 === 4 ? 'shipped' : 'paid')),
    );
    expect([...v1.outcomes(), ...v2.outcomes()]).not.toContain('filtered');
  });

  it('one name twice: each slow message runs once', async () => {
    // Fewer than there are messages: neither can take them all.
    const options = {
      consumer: 'worker-1',
      concurrency: 4,
      work: () => work(2 * QUICK.idleTimeout),
    };
    const first = await start(['x'], options);
    const second = await start(['x'], options);
    await publish('x', 20);
    await until('all were handled', () => first.ran.length + second.ran.length >= 20);
    await settledAll();
    expect(first.ran.length + second.ran.length).toBe(20);
    expect(second.warnings).toContain('CONSUMER_NAME_IN_USE');
    expect(new Set(second.settled.map(({ consumer }) => consumer))).toEqual(
      new Set(['worker-1~2']),
    );
  });

  it('a backlog of 100,000 of what another handles: none is lost, and memory is bounded', async () => {
    const COUNT = 100_000;
    const text = 'x'.repeat(200);
    for (let at = 0; at < COUNT; at += 1000) {
      const pipeline = admin.pipeline();
      for (let n = at; n < at + 1000; n++)
        pipeline.xadd('s', '*', 'event_type', 'y', 'payload', JSON.stringify({ n, text }));
      await pipeline.exec();
    }
    const began = performance.now();
    const heap = process.memoryUsage().heapUsed;
    const x = await start(['x']);
    await until('it has begun on the backlog', () => x.waits.length > 0);
    const seen = new Set<string>();
    let runs = 0;
    const y = await start(['y'], { seen: (id) => void (seen.add(id), runs++) });
    let most = 0;
    await until(
      'all were handled',
      () => {
        most = Math.max(most, process.memoryUsage().heapUsed - heap);
        return seen.size === COUNT;
      },
      150_000,
      () => `${seen.size} of ${COUNT}`,
    );
    const took = performance.now() - began;
    await settledAll();
    const handed = x.settled.filter(({ outcome }) => outcome === 'handed-over').length;
    console.log(
      `${COUNT} messages in ${Math.round(took)} ms, ${handed} handed over, ${runs - COUNT} run twice, ` +
        `heap grew by ${Math.round(most / 1e6)} MB at most`,
    );
    expect(x.outcomes()).not.toContain('filtered');
    expect([...x.outcomes(), ...y.outcomes()]).not.toContain('dead-lettered');
    expect(runs).toBe(COUNT);
    expect(most).toBeLessThan(300e6);
  }, 180_000);
});
