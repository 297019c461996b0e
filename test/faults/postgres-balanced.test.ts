import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import { postgres } from '../../lib/drivers/postgres/postgres.driver.js';
import type { Driver } from '../../lib/ports/driver.js';
import type { OwnershipParts } from '../../lib/ports/stream-ownership.js';
import { elapse, pace } from '../support/passing-time.js';
import { testPostgres, type TestPostgres } from '../support/postgres.js';
import { until } from '../support/until.js';
import {
  BalancedWorker,
  faultsOf,
  SERVICE,
  type BalancedPayload,
} from './support/balanced-scene.js';

let server: TestPostgres;
let driver: Driver;
let parts: OwnershipParts;
let directory: string;
const workers: BalancedWorker[] = [];
beforeEach(async () => {
  server = await testPostgres();
  directory = await mkdtemp(join(tmpdir(), 'streams-balanced-'));
  driver = postgres({ url: server.url }).open({ events: new EventBus(), keyPrefix: '' });
  const nothing = (): void => undefined;
  parts = driver.ownership!.join({
    ...{ service: SERVICE, consumer: 'test', lease: 2000, blockTimeout: 1000, hints: 'off' },
    ...{ onHint: nothing, onReconnected: nothing },
  });
});
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.kill()));
  await parts.close();
  await driver.source.close();
  await server.cleanup();
  await rm(directory, { recursive: true, force: true });
});

async function worker(work = 10): Promise<BalancedWorker> {
  const name = `c${workers.length + 1}`;
  const place = { postgres: { url: server.url } };
  const made = new BalancedWorker(
    { consumerId: name, work, scanInterval: 500, ...place },
    directory,
    name,
  );
  workers.push(made);
  await made.ready();
  return made;
}

const announce = (stream: string): Promise<string> =>
  parts.inputs.add(['lbs-input', JSON.stringify({ DataStreamName: stream, Info: {} })]);

async function publish(streams: readonly string[], payload: BalancedPayload): Promise<void> {
  const fields = ['event_type', 'event', 'payload', JSON.stringify(payload)];
  const ids = await driver.source.publish(streams.map((stream) => ({ stream, fields })));
  // A message that was refused would look like one that was skipped.
  for (const id of ids) if (id instanceof Error) throw id;
}

const unsettled = async (streams: readonly string[]): Promise<number> => {
  const { rows } = await server.pool.query<{ n: number }>(
    `select count(*)::int as n from streams.delivery d join streams.grp g on g.id = d.grp
      join streams.stream s on s.id = g.stream where s.name = any ($1)`,
    [streams],
  );
  return rows[0]!.n;
};

it('60 streams, 4 processes, kills and a standstill: all is settled, in order, by one owner at a time', async () => {
  const streams = Array.from({ length: 60 }, (_, index) => `session-${index}`);
  const rounds = 12;
  for (let n = 0; n < 4; n++) await worker(30);
  for (const stream of streams) await announce(stream);
  const publishing = (async () => {
    for (let n = 0; n < rounds; n++) {
      await publish(streams, { n });
      await pace(250);
    }
  })();
  const [frozen, ...others] = [...workers];
  frozen!.signal('SIGSTOP');
  for (const one of others.slice(0, 2)) {
    await pace(800);
    await one.kill();
    await worker(30);
  }
  await elapse(2500);
  frozen!.signal('SIGCONT');
  await publishing;
  await until(
    'all is settled',
    async () => (await unsettled(streams)) === 0,
    30_000,
    () => unsettled(streams),
  );
  const notes = (await Promise.all(workers.map((one) => one.notes()))).flat();
  expect(streams.flatMap((stream) => faultsOf(notes, stream, rounds)).slice(0, 10)).toEqual([]);
}, 90_000);
