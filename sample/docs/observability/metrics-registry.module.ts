import { Module } from '@nestjs/common';
import { PrometheusModule } from '@willsoto/nestjs-prometheus';
import { RedisStreamsModule } from 'nestjs-redis-streams';
import { StreamsMetricsModule } from 'nestjs-redis-streams/metrics';
import { register } from 'prom-client';

@Module({
  imports: [
    PrometheusModule.register(),
    StreamsMetricsModule.forRoot({ registry: register }),
    RedisStreamsModule.forRoot({
      url: 'redis://localhost:6379',
      group: 'orders',
    }),
  ],
})
export class AppModule {}
