import { Module } from '@nestjs/common';
import { StreamsModule } from 'nestjs-redis-streams';
import { file } from 'nestjs-redis-streams-file';
import { OrderController } from './order.controller.js';

const config = { directory: process.env['DATA'] ?? './data' };

@Module({
  imports: [
    StreamsModule.forRoot({
      group: 'order-service',
      drivers: { file },
      slots: {
        messageSource: { driver: 'file', config },
        stateStore: { driver: 'file', config },
        deadLetterQueue: { driver: 'file', config },
      },
    }),
  ],
  controllers: [OrderController],
})
export class AppModule {}
