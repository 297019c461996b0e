import { Module } from '@nestjs/common';
import { RedisStreamsModule } from 'nestjs-redis-streams';
import { OrderController } from './order.controller.js';
import { ProgressReport } from './progress-report.js';

@Module({
  imports: [
    RedisStreamsModule.forRoot({
      url: process.env.REDIS_URL ?? 'redis://localhost:6379',
      group: 'billing',
      commits: { interval: 1_000, name: 'order-processor' },
    }),
  ],
  controllers: [OrderController],
  providers: [ProgressReport],
})
export class AppModule {}
