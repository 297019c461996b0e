import { Injectable } from '@nestjs/common';
import { ConsumerGroupManager } from 'nestjs-redis-streams';

@Injectable()
export class GroupWatch {
  constructor(private readonly groups: ConsumerGroupManager) {}

  /** Whether a message is not settled a minute after it was published. */
  async isStuck(): Promise<boolean> {
    const group = await this.groups.getGroupInfo('order.placed', 'billing');
    return (group.oldestPendingAgeMs ?? 0) > 60_000;
  }

  /** Ids of the messages that have had three runs or more, and are not settled. */
  async troubled(): Promise<string[]> {
    const ids: string[] = [];
    for await (const entry of this.groups.eachPending(
      'order.placed',
      'billing',
    )) {
      if (entry.delivered >= 3) ids.push(entry.id);
    }
    return ids;
  }
}
