import { Injectable } from '@nestjs/common';
import { ConsumerGroupManager } from 'nestjs-redis-streams';

@Injectable()
export class GroupChanges {
  constructor(private readonly groups: ConsumerGroupManager) {}

  /** Lets the group begin with what is published from now on. */
  async createBeforeDeploy(): Promise<boolean> {
    return this.groups.createGroup('order.placed', 'billing', {
      startId: '$',
    });
  }

  /** Handles again what was published since then. */
  async replaySince(time: Date): Promise<void> {
    await this.groups.setPosition('order.placed', 'billing', time);
  }

  /** Gives the messages of a consumer to another one, and removes it. */
  async replace(gone: string, handOverTo: string): Promise<number> {
    return this.groups.removeConsumer('order.placed', 'billing', gone, {
      handOverTo,
    });
  }

  /** For a group that is not needed any more. */
  async retire(): Promise<boolean> {
    return this.groups.deleteGroup('order.placed', 'billing');
  }
}
