import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { StreamsTransport } from 'nestjs-redis-streams';

/** Logs what makes a message run a second time. */
@Injectable()
export class RunsTwice implements OnModuleInit {
  private readonly logger = new Logger(RunsTwice.name);

  constructor(private readonly transport: StreamsTransport) {}

  onModuleInit(): void {
    this.transport.on('reclaimed', ({ stream, group, count }) => {
      this.logger.warn(
        `${group} took over ${count} messages of ${stream} from another consumer`,
      );
    });
    this.transport.on('settled', ({ outcome, handler, stream, id }) => {
      if (outcome === 'lost')
        this.logger.warn(`${handler} lost ${id} of ${stream} to another run`);
    });
  }
}
