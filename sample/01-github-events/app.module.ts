import { Module } from '@nestjs/common';
import { redis, StreamsModule } from 'nestjs-redis-streams';
import { memory } from 'nestjs-redis-streams/memory';
import { AuditController } from './audit.controller.js';
import { TriageController } from './triage.controller.js';

const url = process.env['REDIS_URL'] ?? 'redis://localhost:6379';
const embedded = process.env['STREAMS_DRIVER'] === 'memory';

@Module({
  imports: [
    // RedisStreamsModule.forRoot({ url, … }) in an application that only knows Redis.
    StreamsModule.forRoot({
      slots: { messageSource: embedded ? memory() : redis({ url }) },
      keyPrefix: process.env['STREAMS_KEY_PREFIX'] ?? '',
      group: 'triage',
      routes: [{ events: '*', stream: 'github' }],
      backoff: { delay: 100 },
      reclaimInterval: 500,
    }),
  ],
  controllers: [TriageController, AuditController],
})
export class AppModule {}
