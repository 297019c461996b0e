import { Module } from '@nestjs/common';
import { RedisStreamsModule } from 'nestjs-redis-streams';
import { BillingController } from './billing.controller.js';
import { Members } from './members.js';

@Module({
  imports: [
    RedisStreamsModule.forRoot({
      url: process.env.REDIS_URL ?? 'redis://localhost:6379',
      group: 'billing',
      routes: [{ events: 'order.*', stream: 'orders' }],
    }),
  ],
  controllers: [BillingController],
  providers: [Members],
})
export class AppModule {}
