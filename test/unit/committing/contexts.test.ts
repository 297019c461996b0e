import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import {
  ConsumerStates,
  StreamBatchContext,
  StreamContext,
  StreamHandler,
} from 'nestjs-redis-streams';
import { expect, it } from 'vitest';
import { startApp } from '../../support/nest-app.js';

@Controller()
class Orders {
  @StreamHandler('order')
  one(@Payload() commits: boolean, @Ctx() context: StreamContext): void {
    if (commits) context.commit();
  }

  @StreamHandler('orders', { batch: { size: 2, maxWait: 10 } })
  many(@Payload() _: unknown[], @Ctx() context: StreamBatchContext): void {
    context.commit();
  }
}

it('handlers commit through their context', async () => {
  const { app, publish, kit } = await startApp({
    options: { commits: { auto: false }, group: 'g' },
    controllers: [Orders],
  });
  const states = app.get(ConsumerStates);
  await publish('order', false);
  expect(await states.get('order')).toBeUndefined();
  const id = await publish('order', true);
  expect(await states.get('order')).toMatchObject({ offset: id, lastMessageId: id });
  await kit.publish('orders', 1);
  const last = await kit.publish('orders', 2);
  await kit.idle();
  expect(await states.get('orders')).toMatchObject({ offset: last });
});
