import { Module } from '@nestjs/common';
import { StreamsModule } from 'nestjs-redis-streams/core';
import { kafka } from 'nestjs-redis-streams/kafka';
import { OrderController } from './order.controller.js';

const driver = kafka({
  brokers: (process.env.KAFKA_BROKERS ?? 'localhost:9092').split(','),
  topics: { partitions: 6 }, // of topics that the driver makes
});

@Module({
  imports: [
    StreamsModule.forRoot({
      group: 'shop', // the name of your service
      slots: { messageSource: driver, deadLetterQueue: driver },
    }),
  ],
  controllers: [OrderController],
})
export class AppModule {}
