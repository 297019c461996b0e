import { Module } from '@nestjs/common';
import { LoadBalancerModule, RedisStreamsModule } from 'nestjs-redis-streams';
import { FrontDesk } from './front-desk.js';

@Module({
  imports: [
    RedisStreamsModule.forRoot({
      url: process.env.REDIS_URL ?? 'redis://localhost:6379',
    }),
    LoadBalancerModule.forRoot({ service: 'sessions', consumerId: 'front' }),
  ],
  providers: [FrontDesk],
  exports: [FrontDesk],
})
export class FrontModule {}
