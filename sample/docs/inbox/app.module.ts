import { Module } from '@nestjs/common';
import { RedisStreamsModule } from 'nestjs-redis-streams';
import { DatabaseModule, OrmInbox } from './database.module.js';
import { InvoiceController } from './invoice.controller.js';

@Module({
  imports: [
    RedisStreamsModule.forRootAsync({
      imports: [DatabaseModule],
      inject: [OrmInbox],
      useFactory: (inbox: OrmInbox) => ({
        url: 'redis://localhost:6379',
        inbox,
      }),
    }),
  ],
  controllers: [InvoiceController],
})
export class AppModule {}
