import { Module } from '@nestjs/common';
import { RedisStreamsModule } from 'nestjs-redis-streams';
import { StreamsHealthModule } from 'nestjs-redis-streams/health';
import { BillingController } from '../lag/billing.controller.js';
import { Bills } from '../lag/bills.js';

@Module({
  imports: [
    RedisStreamsModule.forRoot({
      url: process.env['REDIS_URL'],
      group: 'orders',
    }),
    StreamsHealthModule.forRoot({ port: 9464 }),
  ],
  controllers: [BillingController],
  providers: [Bills],
})
export class AppModule {}
