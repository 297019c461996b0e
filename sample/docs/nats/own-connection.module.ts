import { connect } from '@nats-io/transport-node';
import { Module } from '@nestjs/common';
import { StreamsModule } from 'nestjs-redis-streams/core';
import { nats } from 'nestjs-redis-streams/nats';
import { OrderController } from './order.controller.js';

/** The connection of the application. The driver does not close it. */
export const connecting = connect({
  servers: process.env.NATS_URL ?? 'nats://localhost:4222',
  maxReconnectAttempts: -1,
});

@Module({
  imports: [
    StreamsModule.forRootAsync({
      useFactory: async () => ({
        group: 'shop',
        slots: { messageSource: nats({ connection: await connecting }) },
      }),
    }),
  ],
  controllers: [OrderController],
})
export class AppModule {}
