import { readFileSync } from 'node:fs';
import { Module } from '@nestjs/common';
import { RedisStreamsModule } from 'nestjs-redis-streams';

@Module({
  imports: [
    RedisStreamsModule.forRootAsync({
      useFactory: () => ({
        url: process.env.REDIS_URL ?? 'rediss://localhost:6379',
        tls: {
          ca: readFileSync(process.env.REDIS_CA ?? '/etc/redis/ca.pem'),
        },
        group: 'order-service',
      }),
    }),
  ],
})
export class AppModule {}
