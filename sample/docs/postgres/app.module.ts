import { Module } from '@nestjs/common';
import { StreamsModule } from 'nestjs-redis-streams/core';
import { postgres } from 'nestjs-redis-streams/postgres';
import { OrderController } from './order.controller.js';

const driver = postgres({
  url: process.env.DATABASE_URL ?? 'postgres://localhost/shop',
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
