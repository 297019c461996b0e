import { Logger, type INestApplicationContext } from '@nestjs/common';
import { DelayedMessages, StreamPublisher } from 'nestjs-redis-streams';
import { Pool } from 'pg';
import PgBoss from 'pg-boss';
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { Mailer } from '../../sample/docs/coming-from/mailer.js';
import { JobMover } from '../../sample/docs/coming-from/pg-boss/move.jobs.js';
import { orderOf, publisherOf, started } from '../support/coming-from.js';
import { testPostgres } from '../support/postgres.js';
import { until } from '../support/until.js';

const DAY = 86_400_000;
Logger.overrideLogger(false);
const server = await testPostgres();
// The programs read it when they are imported.
process.env['DATABASE_URL'] = server.url;
const before = await import('../../sample/docs/coming-from/pg-boss/before.orders.js');
const after = await import('../../sample/docs/coming-from/pg-boss/after.orders.js');
beforeAll(() => server.pool.query('create table orders (id text primary key)'));
beforeEach(() => server.pool.query('delete from orders'));
afterAll(async () => {
  await server.cleanup();
});

/** The pools of the programs are ended with the test. */
const endPool = (app: INestApplicationContext): void => onTestFinished(() => app.get(Pool).end());

it('before: a job and its row are written together, and a failed one runs again', async () => {
  const { app, failOnce, reserved } = await started(before.bootstrap);
  endPool(app);
  failOnce();
  await app.get(before.Checkout).buy(orderOf('o-1'));
  await expect(app.get(before.Checkout).buy(orderOf('o-1'))).rejects.toThrow('duplicate key');
  await until('it ran twice', () => reserved().length === 2);
  expect(reserved()).toEqual(['o-1', 'o-1']);
});

it('after: the same', async () => {
  const { app, failOnce, reserved } = await started(after.bootstrap);
  endPool(app);
  const send = vi.spyOn(app.get(Mailer), 'send');
  failOnce();
  await app.get(after.Checkout).buy(orderOf('o-1'));
  await expect(app.get(after.Checkout).buy(orderOf('o-1'))).rejects.toThrow('duplicate key');
  await until('it ran twice', () => reserved().length === 2);
  expect(reserved()).toEqual(['o-1', 'o-1']);
  const delayed = app.get(DelayedMessages);
  const { items } = await delayed.list('email.send');
  expect(items).toHaveLength(1);
  for (const { id } of items) await delayed.reschedule('email.send', id, { delay: 0 });
  await until('the mail is sent', () => send.mock.calls.length === 1);
});

it('move: jobs become messages, each once, also where the mover is interrupted', async () => {
  const boss = new PgBoss(server.url);
  // It does not wait for the end of its connections, which may end with the server.
  boss.on('error', () => undefined);
  await boss.start();
  onTestFinished(() => boss.stop());
  await boss.createQueue('email.send');
  await boss.purgeQueue('email.send');
  const email = { to: 'ada', template: 'thanks' };
  await boss.send('email.send', email);
  await boss.send('email.send', email, { startAfter: DAY / 1000 });

  const { app } = await publisherOf(after.AppModule);
  const mover = new JobMover(server.pool, boss, app.get(StreamPublisher));
  const interrupted = vi.spyOn(boss, 'deleteJob').mockRejectedValueOnce(new Error('killed'));
  await expect(mover.moveAll('email.send')).rejects.toThrow('killed');
  expect(await boss.getQueueSize('email.send')).toBe(2);
  await mover.moveAll('email.send');
  expect(interrupted).toHaveBeenCalledTimes(2);
  expect(await boss.getQueueSize('email.send')).toBe(0);
  const { items } = await app.get(DelayedMessages).list('email.send');
  expect(items).toHaveLength(1);
  const due = Date.parse(items[0]!.dueAt) - Date.now();
  expect(due).toBeGreaterThan(DAY - 60_000);
  const { rows } = await server.pool.query(
    `select from streams.message where fields like '%thanks%'`,
  );
  expect(rows).toHaveLength(1);
});
