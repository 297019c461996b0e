import { Module } from '@nestjs/common';
import { RedisStreamsModule } from 'nestjs-redis-streams';
import { BillingController } from './billing.controller.js';
import { DeadLetterController } from './dead-letter.controller.js';
import { OrderController } from './order.controller.js';
import { PackingController } from './packing.controller.js';
import { ReminderController } from './reminder.controller.js';
import { ReturnController } from './return.controller.js';
import { Warehouse } from './warehouse.js';

@Module({
  imports: [
    RedisStreamsModule.forRoot({
      url: process.env.REDIS_URL ?? 'redis://localhost:6379',
      group: 'shop',
    }),
  ],
  controllers: [
    OrderController,
    PackingController,
    DeadLetterController,
    BillingController,
    ReminderController,
    ReturnController,
  ],
  providers: [Warehouse],
})
export class AppModule {}
