import { Injectable, Logger } from '@nestjs/common';
import {
  OnStreamAdded,
  OnStreamDisowned,
  type StreamAdded,
  type StreamDisowned,
} from 'nestjs-redis-streams';

@Injectable()
export class SessionOwners {
  private readonly logger = new Logger(SessionOwners.name);

  @OnStreamAdded({ service: 'sessions' })
  added({ payload, info }: StreamAdded): void {
    this.logger.log(`${payload.dataStreamName} is ours`, info);
  }

  @OnStreamDisowned({ service: 'sessions' })
  disowned({ payload, reason }: StreamDisowned): void {
    this.logger.warn(`${payload.dataStreamName} is gone: ${reason}`);
  }
}
