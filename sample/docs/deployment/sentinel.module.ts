import { Module } from '@nestjs/common';
import { RedisStreamsModule } from 'nestjs-redis-streams';

@Module({
  imports: [
    RedisStreamsModule.forRootAsync({
      useFactory: () => ({
        sentinels: [
          { host: 'sentinel-1', port: 26379 },
          { host: 'sentinel-2', port: 26379 },
          { host: 'sentinel-3', port: 26379 },
        ],
        name: 'mymaster',
        password: process.env.REDIS_PASSWORD,
        sentinelPassword: process.env.SENTINEL_PASSWORD,
        group: 'order-service',
      }),
    }),
  ],
})
export class SentinelModule {}
