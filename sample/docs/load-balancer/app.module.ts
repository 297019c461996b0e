import { Module } from '@nestjs/common';
import { LoadBalancerModule, RedisStreamsModule } from 'nestjs-redis-streams';
import { SessionOwners } from './session-owners.js';
import { SessionsController } from './sessions.controller.js';
import { Sessions } from './sessions.js';

@Module({
  imports: [
    RedisStreamsModule.forRoot({
      url: process.env.REDIS_URL ?? 'redis://localhost:6379',
      group: 'shop',
    }),
    // The name of this consumer comes from the variable POD_NAME.
    LoadBalancerModule.forRoot({
      service: 'sessions',
      retry: { maxRetries: -1 },
    }),
  ],
  controllers: [SessionsController],
  providers: [Sessions, SessionOwners],
})
export class AppModule {}
