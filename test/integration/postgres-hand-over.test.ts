import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import type { SettledEvent } from '../../lib/core/run-events.js';
import { ack } from '../../lib/core/settlement.js';
import { postgres } from '../../lib/drivers/postgres/postgres.driver.js';
import type { StreamsOptions } from '../../lib/options/streams-options.js';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import { inAllSlots } from '../support/in-all-slots.js';
import { work } from '../support/passing-time.js';
import { testPostgres, type TestPostgres } from '../support/postgres.js';
import { until } from '../support/until.js';

let server: TestPostgres;
beforeAll(async () => void (server = await testPostgres()));
afterAll(() => server.cleanup());

let stream: string;
let made = 0;
const open: StreamsRuntime[] = [];
beforeEach(() => void (stream = `s-${++made}`));
afterEach(async () => {
  await Promise.all(open.splice(0).map((runtime) => runtime.close()));
});

type Options = Partial<StreamsOptions> & { readonly work?: () => unknown };

/** A process of the group that handles these events, and what became of what it was given. */
async function start(events: string[], { work: doWork, ...options }: Options = {}) {
  const quick = { group: 'g', blockTimeout: 300, idleTimeout: 2000, reclaimInterval: 200 };
  const slots = inAllSlots(postgres({ url: server.url }));
  const runtime = new StreamsRuntime({ ...quick, ...options, slots });
  open.push(runtime);
  const settled: SettledEvent[] = [];
  const ran: { readonly eventType: string; readonly attempt: number }[] = [];
  runtime.events.on('settled', (event) => settled.push(event));
  await runtime.subscribe([
    {
      name: 'T.run',
      events,
      options: { streams: [stream] },
      invoke: async ({ eventType, attempt }) => {
        ran.push({ eventType, attempt });
        await doWork?.();
        return ack;
      },
    },
  ]);
  return { runtime, ran, outcomes: () => settled.map(({ outcome }) => outcome) };
}

/** Publishes events of both types in turn, so that every read has some of each. */
async function publish(count: number): Promise<void> {
  const driver = postgres({ url: server.url }).open({ events: new EventBus(), keyPrefix: '' });
  const entries = Array.from({ length: 2 * count }, (_, n) => ({
    stream,
    fields: ['event_type', n % 2 === 0 ? 'x' : 'y', 'payload', String(n)],
  }));
  for (const id of await driver.source.publish(entries)) expect(id).toBeTypeOf('string');
  await driver.source.close();
}

async function unsettled(): Promise<number> {
  const { rows } = await server.pool.query<{ n: number }>(
    `select count(*)::int as n from streams.delivery d join streams.grp g on g.id = d.grp
      join streams.stream s on s.id = g.stream where s.name = $1`,
    [stream],
  );
  return rows[0]!.n;
}
const settledAll = () => until('all is settled', async () => (await unsettled()) === 0, 20_000);

describe('events that only another consumer handles, on PostgreSQL', () => {
  it('two consumers of one group each get all of their events, each once, also with one run each', async () => {
    const one = { maxDeliveries: 1 };
    const [x, y] = await Promise.all([start(['x'], one), start(['y'], one)]);
    await publish(100);
    await until('all were handled', () => x.ran.length === 100 && y.ran.length === 100, 20_000);
    await settledAll();
    expect([...x.ran, ...y.ran].every(({ attempt }) => attempt === 1)).toBe(true);
    const outcomes = [...x.outcomes(), ...y.outcomes()];
    expect(outcomes).toContain('handed-over');
    for (const bad of ['filtered', 'dead-lettered']) expect(outcomes).not.toContain(bad);
  });

  it('two consumers that hold as much as they may of events of the other do not wait for ever', async () => {
    await publish(100);
    const few = { maxParked: 10, concurrency: 4, work: () => work(5) };
    const [x, y] = await Promise.all([start(['x'], few), start(['y'], few)]);
    await until('all were handled', () => x.ran.length === 100 && y.ran.length === 100, 30_000);
    await settledAll();
  });
});
