import { Module } from '@nestjs/common';
import { RedisStreamsModule } from 'nestjs-redis-streams';

@Module({
  imports: [
    RedisStreamsModule.forRootAsync({
      useFactory: () => ({
        cluster: [
          { host: 'node-1', port: 6379 },
          { host: 'node-2', port: 6379 },
        ],
        password: process.env.REDIS_PASSWORD,
        group: 'order-service',
      }),
    }),
  ],
})
export class ClusterModule {}
