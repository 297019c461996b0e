import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import {
  LoadBalancedContext,
  LoadBalancedHandler,
  LoadBalancer,
  LoadBalancerModule,
} from 'nestjs-redis-streams';
import { expect, it } from 'vitest';
import { startApp } from '../support/nest-app.js';

interface Event {
  readonly n: number;
  readonly last?: boolean;
  readonly fails?: number;
}

/** An application whose handler notes what it is handed. */
async function sessions(consumerId = 'a') {
  const handled: string[] = [];
  const tries = new Map<number, number>();
  @Controller()
  class Sessions {
    @LoadBalancedHandler({ service: 'sessions' })
    handle(@Payload() { n, last, fails = 0 }: Event, @Ctx() context: LoadBalancedContext): void {
      const count = (tries.get(n) ?? 0) + 1;
      tries.set(n, count);
      if (count <= fails) throw new Error(`try ${count}`);
      handled.push(`${context.stream} ${n}`);
      if (last) context.done();
    }
  }
  const started = await startApp({
    options: { backoff: { delay: 1000, jitter: 0 }, maxDeliveries: 2 },
    imports: [LoadBalancerModule.forRoot({ service: 'sessions', consumerId })],
    controllers: [Sessions],
  });
  const publish = (stream: string, event: Event) => started.publish('event', event, { stream });
  return { ...started, handled, publish, balancer: started.app.get(LoadBalancer) };
}

it('a load balanced handler can be tested with the kit: a stream is announced, handled, and done', async () => {
  const { balancer, publish, handled, kit } = await sessions();
  await balancer.addStream('user-1', { user: 1 });
  await kit.idle();
  expect(balancer.streams()).toMatchObject([{ stream: 'user-1', info: { user: 1 } }]);
  await publish('user-1', { n: 1 });
  await publish('user-1', { n: 2, last: true });
  expect(handled).toEqual(['user-1 1', 'user-1 2']);
  expect(balancer.streams()).toEqual([]);
  // It is finished: no consumer handles this.
  await publish('user-1', { n: 3 });
  expect(handled).toHaveLength(2);
});

it('the rest of a stream waits for a retry, in the time of the kit, and other streams do not', async () => {
  const { balancer, publish, handled, kit } = await sessions();
  for (const name of ['one', 'two']) await balancer.addStream(name);
  await kit.idle();
  await publish('one', { n: 1, fails: 1 });
  await publish('one', { n: 2 });
  await publish('two', { n: 3 });
  expect(handled).toEqual(['two 3']);
  await kit.advance(1000);
  await kit.idle();
  expect(handled).toEqual(['two 3', 'one 1', 'one 2']);
  await publish('one', { n: 4, fails: 9 });
  await kit.advance(1000);
  await kit.idle();
  expect(await kit.deadLetters('one')).toMatchObject([{ stream: 'one', attempts: 2 }]);
});

it('streams stay owned however much time passes, and announcements that name none are discarded', async () => {
  const { balancer, publish, handled, kit } = await sessions();
  await balancer.addStream('user-1');
  await kit.idle();
  await kit.advance(60_000);
  await publish('user-1', { n: 1 });
  expect(handled).toEqual(['user-1 1']);
  await kit.publish('nonsense', {}, { stream: 'sessions-input' });
  await kit.idle();
  await balancer.addStream('user-2');
  await kit.idle();
  expect(balancer.streams().map(({ stream }) => stream)).toEqual(['user-1', 'user-2']);
  await expect(balancer.addStream('sessions-input')).rejects.toMatchObject({
    code: 'INVALID_OPTIONS',
  });
});

it('doneStream is refused while a message waits for its retry, and works then', async () => {
  const { balancer, publish, handled, kit } = await sessions();
  await balancer.addStream('one');
  await kit.idle();
  await publish('one', { n: 1, fails: 1 });
  await expect(balancer.doneStream('one')).rejects.toMatchObject({ code: 'STREAM_UNSETTLED' });
  await kit.advance(1000);
  await kit.idle();
  expect(handled).toEqual(['one 1']);
  await balancer.doneStream('one');
  expect(balancer.streams()).toEqual([]);
});
