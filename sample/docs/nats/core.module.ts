import { Module } from '@nestjs/common';
import { StreamsModule } from 'nestjs-redis-streams/core';
import { nats } from 'nestjs-redis-streams/nats';
import { OrderController } from './order.controller.js';

const driver = nats({ url: process.env.NATS_URL, mode: 'core' });

@Module({
  imports: [
    StreamsModule.forRoot({
      group: 'shop',
      slots: { messageSource: driver, stateStore: driver },
    }),
  ],
  controllers: [OrderController],
})
export class AppModule {}
