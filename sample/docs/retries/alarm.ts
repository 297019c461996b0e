import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { StreamsTransport } from 'nestjs-redis-streams';

@Injectable()
export class DeadLetterAlarm implements OnModuleInit {
  private readonly logger = new Logger(DeadLetterAlarm.name);

  constructor(private readonly transport: StreamsTransport) {}

  onModuleInit(): void {
    this.transport.on('dead-lettered', ({ handler, id, reason, error }) => {
      this.logger.error(`${handler} gave up ${id}: ${reason}`, error);
    });
  }
}
