import { next, type StreamsModuleOptions } from 'nestjs-redis-streams';
import { StreamsTestKit } from 'nestjs-redis-streams/memory';
import { expect, it } from 'vitest';
import { InvalidMessageError } from '../../lib/core/errors/publishing.errors.js';
import type { DriverFactory } from '../../lib/ports/driver.js';
import type { Settling } from '../../lib/ports/source.js';
import { driverWith } from '../support/driver-with.js';
import { flow } from '../support/workflow-app.js';

/** A source that can publish no message later, as an old nats-server. */
function withoutDelays(factory: DriverFactory) {
  const tries = { count: 0 };
  const isDelayed = ({ settlement }: Settling): boolean =>
    settlement.kind === 'ack' && (settlement.publish?.some(({ when }) => when) ?? false);
  const driver = driverWith(factory, ({ source }) => {
    const settle = source.settle.bind(source);
    source.settle = async (batch) => {
      const outcomes = await settle(batch.filter((one) => !isDelayed(one)));
      let at = 0;
      return batch.map((one) => {
        if (!isDelayed(one)) return outcomes[at++]!;
        tries.count++;
        return new InvalidMessageError('This server publishes no message later');
      });
    };
  });
  return { driver, tries };
}

/** Handles `order.placed`, and returns a next step that is refused for ever. */
async function refusing(options: Partial<StreamsModuleOptions> = {}) {
  const kit = new StreamsTestKit();
  const { driver, tries } = withoutDelays(kit.source);
  const app = await flow(
    {
      'order.placed': () => next('mail.send', {}, { delay: 1000 }),
      'shop.opened': () => next('order.placed', { id: 8 }),
    },
    {
      kit,
      maxDeliveries: 3,
      options: {
        ...options,
        slots: {
          messageSource: driver,
          stateStore: driver,
          deadLetterQueue: driver,
          ...options.slots,
        },
      },
    },
  );
  return { ...app, kit, tries };
}

it('a message whose next step can never be published is a dead letter, after one run', async () => {
  const { ran, publish, deadLetter, tries, kit, state } = await refusing();
  await publish('order.placed', { id: 7 });
  expect(await deadLetter()).toMatchObject({
    reason: 'unrecoverable',
    attempts: 1,
    error: { name: 'InvalidMessageError', message: expect.stringMatching(/publishes no message/) },
    eventType: 'order.placed',
    payload: { id: 7 },
  });
  expect([ran.length, tries.count, kit.settled.map(({ outcome }) => outcome)]).toEqual([
    ...[1, 1, ['dead-lettered']],
  ]);
  // The step had been recorded as done.
  expect(await state()).toMatchObject({ status: 'failed' });
});

it('a workflow has failed where one of its later steps can never be published', async () => {
  const { events, publish, deadLetter, state } = await refusing();
  await publish('shop.opened', {});
  expect(await deadLetter()).toMatchObject({ reason: 'unrecoverable', payload: { id: 8 } });
  expect(events()).toEqual(['shop.opened', 'order.placed']);
  const { status, steps } = await state();
  expect([status, steps.at(-1)]).toMatchObject([
    'failed',
    { event: 'order.placed', status: 'failed', reason: 'unrecoverable' },
  ]);
});

it('its dead letter has its fields in another queue, too', async () => {
  const queue = new StreamsTestKit();
  const { publish, kit } = await refusing({
    slots: { deadLetterQueue: queue.source } as StreamsModuleOptions['slots'],
  });
  await publish('order.placed', { id: 7 });
  expect(await kit.deadLetters()).toEqual([]);
  expect(await queue.deadLetters()).toMatchObject([
    { reason: 'unrecoverable', eventType: 'order.placed', payload: { id: 7 } },
  ]);
});
