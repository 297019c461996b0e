import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import {
  LoadBalancedContext,
  LoadBalancedHandler,
  LoadBalancer,
  LoadBalancerModule,
} from 'nestjs-redis-streams';
import { expect, it } from 'vitest';
import { gate } from '../support/engine.js';
import { startApp } from '../support/nest-app.js';

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve));
};

type Call = 'close' | 'release' | 'done' | 'doneStream';

/** The message "call" makes the call and awaits it; "slow" runs until the test opens the gate. */
async function sessions(call: Call) {
  const [slow, both] = [gate(), gate()];
  const log: string[] = [];
  let running = 0;
  @Controller()
  class Sessions {
    @LoadBalancedHandler({ service: 'sessions' })
    async handle(@Payload() what: string, @Ctx() context: LoadBalancedContext): Promise<void> {
      log.push(`${context.stream} ${what}`);
      if (what === 'plain') return;
      if (++running === 2) both.open();
      await both.promise;
      if (what === 'slow') await slow.promise;
      else await make(context.stream);
      log.push(`${what} resolved`);
    }
  }
  const started = await startApp({
    imports: [LoadBalancerModule.forRoot({ service: 'sessions', consumerId: 'a' })],
    controllers: [Sessions],
  });
  const balancer = started.app.get(LoadBalancer);
  const make = (stream: string): Promise<void> => {
    if (call === 'close') return started.app.close();
    return call === 'doneStream' ? balancer.doneStream(stream) : balancer[call]();
  };
  for (const stream of ['one', 'two']) await balancer.addStream(stream);
  await started.kit.idle();
  const publish = (what: string, stream: string) => started.kit.publish('event', what, { stream });
  return { ...started, balancer, log, slow, publish };
}

it.each(['close', 'release', 'done'] as const)(
  'the handler of an owned stream may await %s, which waits for the handlers of other streams',
  async (call) => {
    const { kit, log, slow, publish, balancer } = await sessions(call);
    await publish('slow', 'two');
    await publish('call', 'one');
    await publish('plain', 'one');
    await turns();
    expect(log).toEqual(['two slow', 'one call']);
    slow.open();
    await turns();
    expect(log.slice(2).toSorted()).toEqual(['call resolved', 'slow resolved']);
    const outcomes = kit.settled.map(({ outcome }) => outcome);
    expect(outcomes.filter((outcome) => outcome === 'handled')).toHaveLength(2);
    expect(balancer.streams()).toEqual([]);
  },
);

it('the handler of an owned stream may await doneStream of its own stream, as context.done()', async () => {
  const { kit, log, slow, publish, balancer } = await sessions('doneStream');
  await publish('slow', 'two');
  await publish('call', 'one');
  await publish('plain', 'one');
  await turns();
  expect(log).toEqual(['two slow', 'one call', 'call resolved']);
  expect(balancer.streams().map(({ stream }) => stream)).toEqual(['two']);
  slow.open();
  await turns();
  expect(kit.settled.map(({ outcome }) => outcome)).toEqual(['handled', 'handled']);
});
