import { Module } from '@nestjs/common';
import { RedisStreamsModule } from 'nestjs-redis-streams';
import { StreamsHealthModule } from 'nestjs-redis-streams/health';
import { StreamsMetricsModule } from 'nestjs-redis-streams/metrics';
import { StreamsTracingModule } from 'nestjs-redis-streams/tracing';
import { OrderController } from './order.controller.js';
import { redisServer } from './redis-server.js';

@Module({
  imports: [
    RedisStreamsModule.forRoot({ url: redisServer.url, group: 'shop' }),
    StreamsMetricsModule.forRoot(),
    StreamsTracingModule.forRoot(),
    // What depends on the machine and on the version of Redis is of no interest here.
    StreamsHealthModule.forRoot({ cacheFor: 0, ignore: ['fallback', 'event-loop-blocked'] }),
  ],
  controllers: [OrderController],
})
export class AppModule {}
