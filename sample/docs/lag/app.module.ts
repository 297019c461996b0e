import { Module } from '@nestjs/common';
import { RedisStreamsModule } from 'nestjs-redis-streams';
import { BillingController } from './billing.controller.js';
import { Bills } from './bills.js';
import { LagAlarm } from './lag-alarm.js';
import { LagReport } from './lag-report.js';

@Module({
  imports: [
    RedisStreamsModule.forRoot({
      url: process.env.REDIS_URL ?? 'redis://localhost:6379',
      group: 'billing',
      lag: {
        interval: 1_000,
        thresholds: [
          { warning: 1_000, critical: 10_000 },
          { streams: 'order.paid', groups: ['ledger'], critical: 100 },
        ],
      },
    }),
  ],
  controllers: [BillingController],
  providers: [Bills, LagAlarm, LagReport],
})
export class AppModule {}
