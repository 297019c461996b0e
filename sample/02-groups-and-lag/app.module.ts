import { Module } from '@nestjs/common';
import { redis, StreamsModule } from 'nestjs-redis-streams';
import { memory } from 'nestjs-redis-streams/memory';
import { BillingController } from './billing.controller.js';
import { Pager } from './pager.js';

const url = process.env['REDIS_URL'] ?? 'redis://localhost:6379';
const embedded = process.env['STREAMS_DRIVER'] === 'memory';

@Module({
  imports: [
    StreamsModule.forRoot({
      slots: { messageSource: embedded ? memory() : redis({ url }) },
      keyPrefix: process.env['STREAMS_KEY_PREFIX'] ?? '',
      group: 'billing',
      concurrency: 5,
      batchSize: 5,
      // An alarm when billing is more than 20 orders behind; recovered at 16.
      lag: { interval: 100, thresholds: [{ streams: 'orders', groups: 'billing', warning: 20 }] },
      // An order is deleted once every group has settled it.
      retention: [{ streams: 'orders', policy: 'deleteWhenSettled' }],
      retentionInterval: 100,
    }),
  ],
  controllers: [BillingController],
  providers: [Pager],
})
export class AppModule {}
