import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import { postgres } from '../../lib/drivers/postgres/postgres.driver.js';
import { startPostgres, type PostgresServer } from '../support/postgres-server.js';
import { guard } from '../support/redis-process.js';
import { until } from '../support/until.js';

const STREAM = 'later';
const COUNT = 60_000;
const PROMOTER = fileURLToPath(new URL('support/postgres-promoter.js', import.meta.url));

let server: PostgresServer;
const promoters = new Set<Promoter>();
beforeEach(async () => {
  server = await startPostgres();
});
afterEach(async () => {
  await Promise.all([...promoters].map((promoter) => promoter.kill()));
  await server.stop();
});

/** A process that promotes. */
class Promoter {
  moved = 0;
  private readonly child: ChildProcess;

  constructor() {
    this.child = fork(PROMOTER, [server.url(), STREAM], { execArgv: [] });
    const watcher = guard(this.child);
    this.child.once('exit', () => watcher.kill());
    this.child.on('message', ({ moved }: { moved: number }) => (this.moved += moved));
    promoters.add(this);
  }

  async kill(): Promise<void> {
    promoters.delete(this);
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exit;
  }
}

/** Stores all, due at once. */
async function schedule(): Promise<void> {
  const driver = postgres({ url: server.url() }).open({ events: new EventBus(), keyPrefix: '' });
  const entries = Array.from({ length: COUNT }, (_, n) => ({
    stream: STREAM,
    fields: ['n', String(n)],
    when: { at: n },
  }));
  const results = await driver.delays!.schedule(entries);
  expect(results.filter((result) => typeof result !== 'string')).toEqual([]);
  await driver.source.close();
}

async function numbers(): Promise<number[]> {
  const rows = (await server.query('select fields from streams.message order by id')) as {
    fields: string;
  }[];
  return rows.map(({ fields }) => Number((JSON.parse(fields) as string[])[1]));
}

async function waiting(): Promise<number> {
  const [row] = (await server.query('select count(*) from streams.delayed')) as {
    count: string;
  }[];
  return Number(row!.count);
}

it(
  'delayed messages are published once each, in order, while promoters and the server are killed',
  { timeout: 60_000 },
  async () => {
    await schedule();
    const stops: number[] = [];
    for (let round = 0; round < 5; round++) {
      const [one, other] = [new Promoter(), new Promoter()];
      const before = await waiting();
      await until('promoting is under way', async () => (await waiting()) < before);
      await one.kill();
      if (round === 2) {
        await server.kill();
        await server.restart();
        await until('the other one goes on', () => other.moved > 0);
      }
      await other.kill();
      stops.push(await waiting());
    }
    console.log(`Promoters were killed with ${stops.join(', ')} of ${COUNT} waiting`);
    expect(stops[0]).toBeGreaterThan(0);
    const last = new Promoter();
    await until('nothing waits', async () => (await waiting()) === 0, 30_000);
    await last.kill();
    expect(await numbers()).toEqual(Array.from({ length: COUNT }, (_, n) => n));
  },
);
