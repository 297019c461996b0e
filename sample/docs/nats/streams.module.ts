import { Module } from '@nestjs/common';
import { StreamsModule } from 'nestjs-redis-streams/core';
import { nats } from 'nestjs-redis-streams/nats';
import { OrderController } from './order.controller.js';

const driver = nats({
  servers: process.env.NATS_SERVERS?.split(','),
  streams: {
    replicas: 3, // each message is on three servers of the cluster
    maxBytes: 1_000_000_000, // of each stream
  },
});

@Module({
  imports: [
    StreamsModule.forRoot({
      group: 'shop',
      retention: 'deleteWhenSettled',
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
