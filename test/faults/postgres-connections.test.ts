import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { postgres, type PostgresOptions } from 'nestjs-redis-streams/postgres';
import { EventBus } from '../../lib/core/event-bus.js';
import { StreamsTransport } from '../../lib/nest/transport/streams.transport.js';
import { inAllSlots } from '../support/in-all-slots.js';
import { elapse, pace } from '../support/passing-time.js';
import { startPgBouncer } from '../support/pgbouncer.js';
import { startPostgres, type PostgresServer } from '../support/postgres-server.js';
import { until } from '../support/until.js';

const COUNT = 2000;

let server: PostgresServer;
beforeEach(async () => void (server = await startPostgres()));
afterEach(() => server.stop());

/** A whole transport, and a producer that publishes each number until it knows that it is stored. */
async function running(options: PostgresOptions) {
  const handled = new Map<number, number>();
  const told: string[] = [];
  const transport = new StreamsTransport({
    slots: inAllSlots(postgres(options)),
    ...{ group: 'g', idleTimeout: 2000, reclaimInterval: 200, concurrency: 20 },
  });
  transport.addHandler(
    'order',
    async (order: { number: number }) => {
      await pace(5);
      handled.set(order.number, (handled.get(order.number) ?? 0) + 1);
    },
    true,
  );
  transport.on('connected', ({ role }) => told.push(`connected ${role}`));
  transport.on('disconnected', ({ role }) => told.push(`disconnected ${role}`));
  await new Promise<void>((resolve, reject) =>
    transport.listen((error?: unknown) => (error ? reject(error as Error) : resolve())),
  );
  const producer = postgres(options).open({ events: new EventBus(), keyPrefix: '' });
  onTestFinished(async () => {
    await transport.close();
    await producer.source.close();
  });
  let published = 0;
  const publish = async (): Promise<void> => {
    while (published < COUNT) {
      const number = published++;
      const entry = {
        stream: 'order',
        fields: ['event_type', 'order', 'payload', JSON.stringify({ number })],
        idempotency: { key: `${number}`, window: 3_600_000 },
      };
      for (let stored = false; !stored;) {
        const [answer] = await producer.source.publish([entry]).catch((error: Error) => [error]);
        stored = typeof answer === 'string';
        if (!stored) await pace(20);
      }
    }
  };
  const publishing = Promise.all([publish(), publish(), publish()]);
  return { handled, told, publishing, published: () => published };
}

type Running = Awaited<ReturnType<typeof running>>;

/** Does harm in steps, spread over the publishing, and waits until everything was handled. */
async function harmed(run: Running, steps: number, harm: (step: number) => Promise<unknown>) {
  for (let step = 1; step <= steps; step++) {
    await until('it goes on', () => run.published() >= (COUNT * step) / (steps + 1), 60_000);
    await harm(step);
    await until('it is connected', () => run.told.at(-1)?.startsWith('connected') === true);
  }
  await run.publishing;
  await until(
    'each message was handled',
    () => run.handled.size === COUNT,
    60_000,
    () => `${run.handled.size} of ${COUNT}, ${run.told.join(', ')}`,
  );
  await until('it is connected', () => run.told.at(-1)?.startsWith('connected') === true);
}

/** Ends connections, as an administrator may. */
const terminate = (where: string) =>
  server.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
      where pid <> pg_backend_pid() and backend_type = 'client backend' and ${where}`,
  );

const ROLES = {
  'that listen': `query like 'listen %'`,
  'that are idle': `query not like 'listen %' and state = 'idle'`,
  'with a statement under way': `state = 'active'`,
  'in a transaction': `state like 'idle in transaction%'`,
  'of all kinds': 'true',
};

test(
  'connections of every role that are ended are replaced, and nothing is lost',
  { timeout: 120_000 },
  async () => {
    const run = await running({ url: server.url() });
    const ends = Object.values(ROLES);
    await harmed(run, 40, (step) => terminate(ends[step % ends.length]!));
  },
);

test(
  'a server that restarts, or is killed, under use is found again, and nothing is lost',
  { timeout: 120_000 },
  async () => {
    const run = await running({ url: server.url() });
    await harmed(run, 4, async (step) => {
      if (step % 2 === 0) return server.restart();
      await server.kill();
      await elapse(500);
      return server.start();
    });
    expect(run.told.filter((event) => event.startsWith('disconnected')).length).toBeGreaterThan(3);
  },
);

test(
  'a pooler that is killed under use is found again, and nothing is lost',
  { timeout: 120_000 },
  async () => {
    const pooler = await startPgBouncer(server);
    onTestFinished(() => pooler.stop());
    const run = await running({ url: pooler.url() });
    await harmed(run, 4, async () => {
      await pooler.kill();
      await elapse(200);
      await pooler.start();
    });
  },
);

test('a server that hangs is waited for, and nothing is lost', { timeout: 120_000 }, async () => {
  const run = await running({ url: server.url(), statementTimeout: 1000, connectTimeout: 1000 });
  await harmed(run, 2, async () => {
    server.freeze();
    await elapse(3000);
    server.thaw();
  });
});

test('a standby is read, refuses writes by name, and takes them once it is the primary', async () => {
  const primary = postgres({ url: server.url() }).open({ events: new EventBus(), keyPrefix: '' });
  onTestFinished(() => primary.source.close());
  await primary.state!.set('key', 'value');
  const standby = await startPostgres({ standbyOf: server });
  onTestFinished(() => standby.stop());
  const { source, state } = postgres({ url: standby.url() }).open({
    events: new EventBus(),
    keyPrefix: '',
  });
  onTestFinished(() => source.close());
  await until('it has followed', async () => (await state!.get('key')) === 'value');
  await expect(state!.set('key', 'other')).rejects.toMatchObject({ code: 'READ_ONLY_SERVER' });
  const entry = { stream: 'orders', fields: ['event_type', 'made', 'payload', '1'] };
  const publish = async () => (await source.publish([entry]))[0];
  expect(await publish()).toMatchObject({ code: 'READ_ONLY_SERVER' });
  await standby.query('select pg_promote()');
  await state!.set('key', 'other');
  expect(await publish()).toEqual(expect.any(String));
});

test('after an outage owners get time to keep their entries fresh again', async () => {
  const consumer = async (name: string) => {
    const events = new EventBus();
    let connectedAt = 0;
    events.on('connected', () => void (connectedAt = performance.now()));
    const driver = postgres({ url: server.url() }).open({ events, keyPrefix: '' });
    onTestFinished(() => driver.source.close());
    const subscription = await driver.source.subscribe({
      ...{ streams: ['orders'], group: 'g', consumer: name, startId: '0' },
      ...{ blockTimeout: 100, idleTimeout: 1000, reclaimInterval: 100 },
    });
    return { source: driver.source, subscription, since: () => performance.now() - connectedAt };
  };
  const owner = await consumer('owner');
  const other = await consumer('other');
  await owner.source.publish([
    { stream: 'orders', fields: ['event_type', 'made', 'payload', '1'] },
  ]);
  const [lease] = await owner.subscription.pull(1);
  await server.kill();
  await until('it is noticed', async () => {
    const [outcome] = await Promise.race([
      owner.subscription.extend([lease!]).catch(() => ['failed']),
      elapse(500).then(() => ['waits']),
    ]);
    return outcome !== 'held';
  });
  await elapse(2500);
  await server.start();
  await until('the other one is connected', () => other.since() < 1000);
  while (other.since() < 1500) expect(await other.subscription.pull(1)).toEqual([]);
  expect(await owner.subscription.extend([lease!])).toEqual(['held']);
});
