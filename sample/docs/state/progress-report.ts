import { Injectable } from '@nestjs/common';
import { ConsumerStates } from 'nestjs-redis-streams';

@Injectable()
export class ProgressReport {
  constructor(private readonly states: ConsumerStates) {}

  /** One line for each stream that this process reads. */
  async lines(): Promise<string[]> {
    const states = await this.states.list();
    return states.map(
      ({ stream, group, offset, lastMessageId }) =>
        `${group} has settled ${stream} up to ${offset}, last ${lastMessageId}`,
    );
  }

  /** Deletes what a service that is gone has left. */
  async forget(stream: string, group: string): Promise<boolean> {
    return this.states.reset(stream, { group });
  }
}
