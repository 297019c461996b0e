import { Module } from '@nestjs/common';
import { RedisStreamsModule } from 'nestjs-redis-streams';
import { HealthController } from './health.controller.js';
import { ParcelController } from './parcel.controller.js';

@Module({
  imports: [
    RedisStreamsModule.forRoot({
      url: process.env.REDIS_URL ?? 'redis://localhost:6379',
      group: 'parcels',
      gracePeriod: 25_000, // of the 30 s that the pod has
    }),
  ],
  controllers: [ParcelController, HealthController],
})
export class AppModule {}
