import { expect, it, vi } from 'vitest';
import { AccountController } from '../../sample/docs/ordering/account.controller.js';
import { Accounts } from '../../sample/docs/ordering/accounts.js';
import { GuestController } from '../../sample/docs/ordering/guest.controller.js';
import { startApp } from '../support/nest-app.js';

async function start() {
  const apply = vi.fn<Accounts['apply']>();
  const { kit } = await startApp({
    options: { backoff: { delay: 1_000, jitter: 0 }, maxDeliveries: 2 },
    controllers: [AccountController, GuestController],
    providers: [{ provide: Accounts, useValue: { apply } }],
  });
  const applied = () => apply.mock.calls.splice(0).map(([{ email }]) => email);
  return { kit, apply, applied };
}

it('a failing key holds up only itself, until its message is a dead letter', async () => {
  const { kit, apply, applied } = await start();
  apply.mockRejectedValueOnce(new Error('no answer'));
  for (const email of ['a1', 'a2', 'b1'])
    await kit.publish('account.changed', { customerId: email[0], email });
  await kit.advance(999);
  expect(applied().toSorted()).toEqual(['a1', 'b1']);
  apply.mockRejectedValueOnce(new Error('no answer'));
  await kit.advance(1);
  await kit.idle();
  expect(applied()).toEqual(['a1', 'a2']);
  expect(await kit.deadLetters()).toMatchObject([{ payload: { email: 'a1' } }]);
});

it('the result of a function is the key; without one a message runs beside all others', async () => {
  const { kit, apply, applied } = await start();
  apply.mockRejectedValueOnce(new Error('no answer'));
  await kit.publish('guest.changed', { guestId: 'g', email: 'g1' });
  await kit.publish('guest.changed', { customerId: 'g', email: 'g2' });
  await kit.publish('guest.changed', { email: 'free' });
  await kit.advance(999);
  expect(applied().toSorted()).toEqual(['free', 'g1']);
  await kit.advance(1);
  await kit.idle();
  expect(applied()).toEqual(['g1', 'g2']);
});
