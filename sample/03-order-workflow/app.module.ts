import { Module } from '@nestjs/common';
import { redis, StreamsModule } from 'nestjs-redis-streams';
import { memory } from 'nestjs-redis-streams/memory';
import { OrderController } from './order.controller.js';
import { Shop } from './shop.js';
import { Timeline } from './timeline.js';

const url = process.env['REDIS_URL'] ?? 'redis://localhost:6379';
const embedded = process.env['STREAMS_DRIVER'] === 'memory';

@Module({
  imports: [
    // RedisStreamsModule.forRoot({ url, … }) in an application that only knows Redis.
    StreamsModule.forRoot({
      slots: { messageSource: embedded ? memory() : redis({ url }) },
      keyPrefix: process.env['STREAMS_KEY_PREFIX'] ?? '',
      group: 'shop',
      routes: [
        { events: 'order.*', stream: 'orders' },
        { events: 'parcel.*', stream: 'parcels' },
      ],
      backoff: { delay: 50 },
    }),
  ],
  controllers: [OrderController],
  providers: [Shop, Timeline],
})
export class AppModule {}
