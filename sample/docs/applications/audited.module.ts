import { Module } from '@nestjs/common';
import { RedisStreamsModule } from 'nestjs-redis-streams';
import { AuditController } from './audit.controller.js';

@Module({
  imports: [
    RedisStreamsModule.forRoot({
      url: process.env.REDIS_URL ?? 'redis://localhost:6379',
      group: 'shop',
    }),
    RedisStreamsModule.forRoot({
      name: 'audit',
      url: process.env.AUDIT_REDIS_URL ?? 'redis://localhost:6380',
      group: 'shop',
    }),
  ],
  controllers: [AuditController],
})
export class AuditedModule {}
