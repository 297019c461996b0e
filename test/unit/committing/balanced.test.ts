import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import {
  ConsumerStates,
  LoadBalancedContext,
  LoadBalancedHandler,
  LoadBalancer,
  LoadBalancerModule,
} from 'nestjs-redis-streams';
import { expect, it } from 'vitest';
import { startApp } from '../../support/nest-app.js';

async function sessions() {
  @Controller()
  class Sessions {
    @LoadBalancedHandler({ service: 'sessions' })
    handle(@Payload() { last }: { last?: boolean }, @Ctx() context: LoadBalancedContext): void {
      if (last) context.done();
    }
  }
  const started = await startApp({
    options: { commits: {} },
    imports: [LoadBalancerModule.forRoot({ service: 'sessions', consumerId: 'a' })],
    controllers: [Sessions],
  });
  const { app, kit } = started;
  const balancer = app.get(LoadBalancer);
  await balancer.addStream('user-1');
  await kit.idle();
  const publish = (event: { last?: boolean }) =>
    started.publish('event', event, { stream: 'user-1' });
  const record = () => app.get(ConsumerStates).get('user-1', { group: 'sessions-group' });
  return { ...started, balancer, publish, record };
}

it('a load balanced stream has a record, which is written before the stream is given back', async () => {
  const { publish, record, balancer } = await sessions();
  const id = await publish({});
  expect(await record()).toBeUndefined();
  await balancer.release();
  expect(await record()).toMatchObject({ offset: id, lastMessageId: id });
});

it('the record of a stream that is completed is deleted', async () => {
  const { publish, record, kit } = await sessions();
  const id = await publish({});
  await kit.advance(5000);
  expect(await record()).toMatchObject({ offset: id });
  await publish({ last: true });
  await kit.idle();
  await kit.advance(10_000);
  expect(await record()).toBeUndefined();
});
