import { Module } from '@nestjs/common';
import { StreamsModule } from 'nestjs-redis-streams';
import { natsRedis } from 'nestjs-redis-streams/nats-redis';
import { OrderController } from './order.controller.js';

const servers = { url: process.env.NATS_URL };

@Module({
  imports: [
    StreamsModule.forRoot(
      natsRedis({
        messageSource: { ...servers, mode: 'jetstream' },
        stateStore: { url: process.env.REDIS_URL },
        deadLetterQueue: servers,
        group: 'shop',
        maxDeliveries: 4,
      }),
    ),
  ],
  controllers: [OrderController],
})
export class AppModule {}
