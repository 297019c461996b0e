import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { Injectable } from '@nestjs/common';
import { ConsumerGroupManager } from 'nestjs-redis-streams/core';

@Injectable()
export class ReplayOnNats {
  constructor(private readonly groups: ConsumerGroupManager) {}

  /** Handles again what was published since then. `client` is of `connect()`. */
  async replaySince(time: Date, client: NatsConnection): Promise<void> {
    const manager = await jetstreamManager(client);
    // A consumer that only says where it would begin. The server forgets it.
    const { delivered } = await manager.consumers.add('order_placed', {
      ack_policy: 'none',
      deliver_policy: 'by_start_time',
      opt_start_time: time.toISOString(),
      inactive_threshold: 5_000_000_000,
      mem_storage: true,
    });
    const before = String(delivered.stream_seq);
    await this.groups.setPosition('order.placed', 'billing', before);
  }
}
