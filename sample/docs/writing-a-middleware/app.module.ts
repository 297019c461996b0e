import { Module } from '@nestjs/common';
import { RedisStreamsModule } from 'nestjs-redis-streams';
import { BillingController } from './billing.controller.js';
import { skipRetired } from './skip-retired.js';

@Module({
  imports: [
    RedisStreamsModule.forRoot({
      url: process.env.REDIS_URL ?? 'redis://localhost:6379',
      group: 'billing',
      middleware: [skipRetired],
    }),
  ],
  controllers: [BillingController],
})
export class AppModule {}
