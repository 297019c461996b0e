import { Module } from '@nestjs/common';
import { redis, StreamsModule } from 'nestjs-redis-streams';
import { postgres } from 'nestjs-redis-streams/postgres';
import { OrderController } from './order.controller.js';

const database = postgres({ url: process.env.DATABASE_URL });

@Module({
  imports: [
    StreamsModule.forRoot({
      group: 'shop',
      slots: {
        messageSource: redis({ url: process.env.REDIS_URL }),
        stateStore: database,
        deadLetterQueue: database,
      },
    }),
  ],
  controllers: [OrderController],
})
export class AppModule {}
