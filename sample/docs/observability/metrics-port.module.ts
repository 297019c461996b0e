import { Module } from '@nestjs/common';
import { RedisStreamsModule } from 'nestjs-redis-streams';
import { StreamsMetricsModule } from 'nestjs-redis-streams/metrics';

@Module({
  imports: [
    StreamsMetricsModule.forRoot({ port: 9464 }),
    RedisStreamsModule.forRoot({
      url: 'redis://localhost:6379',
      group: 'orders',
    }),
  ],
})
export class WorkerModule {}
