import { Module } from '@nestjs/common';
import { redis, StreamsModule } from 'nestjs-redis-streams';
import { memory } from 'nestjs-redis-streams/memory';
import { OrderController } from './order.controller.js';

// #region slots
const embedded = process.env['REDIS_URL'] === undefined;
const driver = embedded ? memory() : redis({ url: process.env['REDIS_URL'] });

@Module({
  imports: [
    StreamsModule.forRoot({
      group: 'order-service',
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
// #endregion
