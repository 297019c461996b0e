import { Module } from '@nestjs/common';
import { RedisStreamsModule } from 'nestjs-redis-streams';
import { OutboxModule } from 'nestjs-redis-streams/postgres';
import { Checkout } from './checkout.js';
import { dataSource } from './data-source.js';

@Module({
  imports: [
    RedisStreamsModule.forRoot({ url: 'redis://localhost:6379' }),
    OutboxModule.forRoot({ url: 'postgres://localhost/shop' }),
  ],
  providers: [Checkout, dataSource],
})
export class AppModule {}
