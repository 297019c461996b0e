import {
  DeadLetters,
  DelayedMessages,
  StreamPublisher,
  StreamsTransport,
} from 'nestjs-redis-streams';
import { afterAll, beforeEach, expect, it, vi } from 'vitest';
import { Mailer } from '../../sample/docs/coming-from/mailer.js';
import { orderOf, redisOfPrograms, started } from '../support/coming-from.js';
import { until } from '../support/until.js';

const QUEUE = 'backstage:default';
const GROUP = 'order-workers';
const redis = await redisOfPrograms();
const after = await import('../../sample/docs/coming-from/backstage/after.orders.js');
afterAll(() => redis.stop());
beforeEach(() => redis.client.flushall());

/** As Backstage adds a task. */
const enqueue = (taskName: string, payload: object) =>
  redis.client.xadd(
    QUEUE,
    '*',
    ...['taskName', taskName, 'payload', JSON.stringify(payload)],
    ...['enqueuedAt', String(Date.now())],
  );

it('tasks that wait, and those that a worker had read before it ended, are run', async () => {
  await redis.client.xgroup('CREATE', QUEUE, GROUP, '0', 'MKSTREAM');
  const left = await enqueue('order.process', orderOf('o-1'));
  await redis.client.xreadgroup('GROUP', GROUP, 'worker-1', 'COUNT', 1, 'STREAMS', QUEUE, '>');
  // As if the worker had ended a minute ago.
  await redis.client.xclaim(QUEUE, GROUP, 'worker-1', 0, left!, 'IDLE', 60_000, 'JUSTID');
  await enqueue('order.process', orderOf('o-2'));
  const program = await started(after.bootstrap);
  await until('both are reserved', () => program.reserved().length === 2);
  expect(program.reserved().toSorted()).toEqual(['o-1', 'o-2']);
});

it('the next task waits, and is published in the shape that Backstage reads', async () => {
  const program = await started(after.bootstrap);
  const send = vi.spyOn(program.app.get(Mailer), 'send');
  await enqueue('order.process', orderOf('o-1'));
  const delayed = program.app.get(DelayedMessages);
  const waiting = async () => (await delayed.list(QUEUE)).items;
  await until('the next task waits', async () => (await waiting()).length === 1);
  const [{ id, eventType, payload }] = (await waiting()) as [
    Awaited<ReturnType<typeof waiting>>[0],
  ];
  expect({ eventType, payload }).toEqual({
    eventType: 'email.send',
    payload: { to: 'c-1', template: 'reserved' },
  });
  await delayed.reschedule(QUEUE, id, { delay: 0 });
  await until('the e-mail is sent', () => send.mock.calls.length === 1);
  const [[, fields]] = (await redis.client.xrevrange(QUEUE, '+', '-', 'COUNT', 1)) as [
    [string, string[]],
  ];
  expect(fields).toEqual(expect.arrayContaining(['taskName', 'email.send', 'enqueuedAt']));
});

it('a task that no worker knows becomes a dead letter', async () => {
  const program = await started(after.bootstrap);
  await program.app.get(StreamPublisher).publish('order.forgotten', orderOf('o-1'));
  const letters = async () => (await program.app.get(DeadLetters).list(QUEUE)).items;
  await until('it is dead', async () => (await letters()).length === 1);
  expect(await letters()).toMatchObject([{ eventType: 'order.forgotten', reason: 'unmatched' }]);
});

it('while a Go worker is active, a task that only it may know is given back to the group', async () => {
  const program = await started(after.bootstrap);
  const outcomes: string[] = [];
  program.app.get(StreamsTransport).on('settled', ({ outcome }) => outcomes.push(outcome));
  await redis.client.xgroup('CREATECONSUMER', QUEUE, GROUP, 'worker-1');
  await enqueue('order.forgotten', orderOf('o-1'));
  await until('it is given back', () => outcomes.includes('released'));
  expect(outcomes).not.toContain('dead-lettered');
});
