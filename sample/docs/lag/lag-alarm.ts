import { Injectable, Logger } from '@nestjs/common';
import { OnStreamLag, type StreamLagExceeded } from 'nestjs-redis-streams';

@Injectable()
export class LagAlarm {
  private readonly logger = new Logger(LagAlarm.name);

  @OnStreamLag({ severity: 'CRITICAL' })
  page({ stream, consumerGroup, lag, recovered }: StreamLagExceeded): void {
    if (recovered) this.logger.log(`${consumerGroup} has caught up`);
    else this.logger.error(`${consumerGroup} is ${lag} behind on ${stream}`);
  }
}
