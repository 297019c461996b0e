import { Injectable } from '@nestjs/common';
import { LagMonitor } from 'nestjs-redis-streams';

@Injectable()
export class LagReport {
  constructor(private readonly monitor: LagMonitor) {}

  /** A line for each stream and group that this process consumes. */
  async lines(): Promise<string[]> {
    const groups = await this.monitor.read();
    return groups.map(
      ({ stream, group, lag, pending }) =>
        `${stream} ${group}: ${lag ?? '?'} not delivered, ${pending} not settled`,
    );
  }
}
