import { Module } from '@nestjs/common';
import { StreamsModule } from 'nestjs-redis-streams/core';
import { nats } from 'nestjs-redis-streams/nats';
import { OrderController } from './order.controller.js';

const driver = nats({
  url: process.env.NATS_URL ?? 'nats://localhost:4222',
});

@Module({
  imports: [
    StreamsModule.forRoot({
      group: 'shop', // the name of your service
      slots: {
        messageSource: driver,
        stateStore: driver,
        deadLetterQueue: driver,
      },
    }),
  ],
  controllers: [OrderController],
})
export class AppModule {}
