import { Module } from '@nestjs/common';
import { RedisStreamsModule } from 'nestjs-redis-streams';
import { StreamsTracingModule } from 'nestjs-redis-streams/tracing';

@Module({
  imports: [
    RedisStreamsModule.forRoot({
      url: 'redis://localhost:6379',
      group: 'shop',
    }),
    StreamsTracingModule.forRoot(),
  ],
})
export class AppModule {}
