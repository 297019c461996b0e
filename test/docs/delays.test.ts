import { expect, it, vi } from 'vitest';
import { EmailController } from '../../sample/docs/delays/email.controller.js';
import { Emitting } from '../../sample/docs/delays/emitting.js';
import { Mails } from '../../sample/docs/delays/mails.js';
import { Outbox } from '../../sample/docs/delays/outbox.js';
import { Reminders } from '../../sample/docs/delays/reminders.js';
import { startApp } from '../support/nest-app.js';

async function start() {
  const send = vi.fn<Mails['send']>();
  const { app, kit } = await startApp({
    controllers: [EmailController],
    providers: [Emitting, Outbox, Reminders, { provide: Mails, useValue: { send } }],
  });
  const sentTo = async (ms: number) => {
    await kit.advance(ms);
    await kit.idle();
    return send.mock.calls.splice(0).map(([to]) => to);
  };
  const [emitting, outbox, reminders] = [app.get(Emitting), app.get(Outbox), app.get(Reminders)];
  return { kit, emitting, outbox, reminders, sentTo };
}

it('a message is handled when it is due, in the order of the due times', async () => {
  const { kit, reminders, sentTo } = await start();
  expect(await reminders.soon('ada')).toMatch(/^delayed-/);
  await reminders.at('grace', new Date(kit.clock.wallTime() + 60_000));
  expect(await sentTo(59_999)).toEqual([]);
  expect(await sentTo(1)).toEqual(['grace']);
  expect(await sentTo(839_999)).toEqual([]);
  expect(await sentTo(1)).toEqual(['ada']);
});

it('a time in the past is at once', async () => {
  const { kit, reminders, sentTo } = await start();
  await reminders.at('ada', new Date(kit.clock.wallTime() - 60_000));
  expect(await sentTo(0)).toEqual(['ada']);
  await expect(reminders.at('ada', new Date(1_700_000_000))).rejects.toMatchObject({
    name: 'InvalidMessageError',
  });
});

it('a record of emit is delayed, too', async () => {
  const { kit, emitting, sentTo } = await start();
  emitting.soon({ to: 'ada', template: 'thanks' });
  await kit.idle();
  expect(await sentTo(4_999)).toEqual([]);
  expect(await sentTo(1)).toEqual(['ada']);
});

it('messages that wait are listed, cancelled and postponed', async () => {
  const { outbox, reminders, sentTo } = await start();
  const ids = [];
  for (let index = 0; index < 60; index++) ids.push(await reminders.soon(`user-${index}`));
  const waiting = await outbox.all();
  expect(waiting.map(({ id }) => id)).toEqual(ids);
  expect(waiting[0]).toMatchObject({ eventType: 'email.send', payload: { to: 'user-0' } });
  for (const id of ids.slice(2)) expect(await outbox.cancel(id)).toBe(true);
  expect(await outbox.cancel(ids[2]!)).toBe(false);
  expect(await outbox.postpone(ids[0]!)).toBe(true);
  expect(await sentTo(900_000)).toEqual(['user-1']);
  expect(await outbox.postpone(ids[1]!)).toBe(false);
  expect((await outbox.all()).map(({ id }) => id)).toEqual([ids[0]]);
  expect(await sentTo(2_700_000)).toEqual(['user-0']);
});
