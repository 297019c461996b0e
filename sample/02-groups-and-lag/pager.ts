import { Injectable } from '@nestjs/common';
import { OnStreamLag, type StreamLagExceeded } from 'nestjs-redis-streams';

/** Tells the engineer on call. */
@Injectable()
export class Pager {
  raised!: () => void;
  cleared!: () => void;
  readonly alarm = new Promise<void>((resolve) => (this.raised = resolve));
  readonly allClear = new Promise<void>((resolve) => (this.cleared = resolve));

  @OnStreamLag({ recovered: false })
  page({ severity, consumerGroup, lag, threshold }: StreamLagExceeded): void {
    console.log(
      `  ${severity}: ${consumerGroup} is ${lag} orders behind, the limit is ${threshold}`,
    );
    this.raised();
  }

  @OnStreamLag({ recovered: true })
  relax({ consumerGroup }: StreamLagExceeded): void {
    console.log(`  All clear: ${consumerGroup} has caught up`);
    this.cleared();
  }
}
