import { Test } from '@nestjs/testing';
import {
  LoadBalancer,
  LoadBalancerModule,
  StreamsModule,
  StreamsTransport,
} from 'nestjs-redis-streams';
import { StreamsTestKit } from 'nestjs-redis-streams/testing';
import { expect, test } from 'vitest';
import { SessionController } from './session.controller.js';

test('a session is handled until its user leaves', async () => {
  const kit = new StreamsTestKit();
  const module = await Test.createTestingModule({
    imports: [
      StreamsModule.forRoot({ slots: kit.slots, group: 'test' }),
      LoadBalancerModule.forRoot({ service: 'sessions', consumerId: 'a' }),
    ],
    controllers: [SessionController],
  }).compile();
  const app = module.createNestMicroservice({
    strategy: module.get(StreamsTransport),
  });
  await app.listen();

  const balancer = app.get(LoadBalancer);
  await balancer.addStream('user-1', { user: 1 });
  await kit.idle();
  expect(balancer.streams()).toMatchObject([{ stream: 'user-1' }]);

  await kit.publish('action', { kind: 'leave' }, { stream: 'user-1' });
  await kit.idle();
  expect(app.get(SessionController).seen).toEqual(['user-1 leave']);
  expect(balancer.streams()).toEqual([]);
  await app.close();
});
