import { EventBus } from '../../lib/core/event-bus.js';
import type {
  CommittedOffset,
  GroupOffset,
} from '../../lib/drivers/kafka/connection/kafka-client.js';
import type { KafkaLease } from '../../lib/drivers/kafka/partitions/kafka.lease.js';
import type { WaitingRecord } from '../../lib/drivers/kafka/partitions/leased-partition.js';
import { decodeMetadata } from '../../lib/drivers/kafka/partitions/offset-metadata.js';
import type { Progress } from '../../lib/drivers/kafka/partitions/progress.js';
import type { PartitionState } from '../../lib/drivers/kafka/partitions/partition-state.js';
import {
  PartitionStates,
  type Transactions,
} from '../../lib/drivers/kafka/partitions/partition-states.js';

const NEVER = 1e9;

/** What the broker has: one partition, and the offset that the group has committed for it. */
export class PartitionBroker {
  committed: CommittedOffset = { partition: 0, offset: 0, metadata: '' };
  /** Rejects commits while it is set. */
  refusal: Error | undefined;
  commits = 0;
  longest = 0;

  readonly commit = async ([offset]: readonly CommittedOffset[]): Promise<void> => {
    if (this.refusal) throw this.refusal;
    this.commits++;
    this.committed = offset!;
    this.longest = Math.max(this.longest, offset!.metadata.length);
  };
}

/** One owner of the partition, from its opening on until it ends or dies. */
export class PartitionOwner {
  readonly events = new EventBus();
  readonly released: WaitingRecord[] = [];
  state!: PartitionState;
  private readonly states: PartitionStates;

  constructor(
    readonly broker: PartitionBroker,
    isRetries = false,
    commitInterval = NEVER,
    transactions: Transactions = { fence: async () => undefined, end: async () => undefined },
    topic = 'orders',
  ) {
    this.states = new PartitionStates({
      ...{ stream: 'orders', group: 'shop', groupId: 'shop/orders', topic, isRetries },
      holder: {
        consumer: 'one',
        released: (_, waiting) => void this.released.push(waiting),
        settled: () => undefined,
      },
      decode: () => ({ fields: [] }),
      commit: broker.commit,
      groupOffset: async () => broker.committed,
      transactions,
      events: this.events,
      commitInterval,
    });
  }

  async open(low = 0): Promise<this> {
    const { committed } = this.broker;
    const progressOf = (known: GroupOffset = committed): Progress =>
      decodeMetadata(known.offset ?? 0, known.metadata);
    this.state = await this.states.open(0, { committed, progressOf, low });
    return this;
  }

  /** Hands out an entry, as a pull does. */
  async handOut(offset: number): Promise<KafkaLease | undefined> {
    const lease = this.state.lease(waiting(offset));
    if (lease) await this.states.announce([lease]);
    return lease;
  }

  async handOutAll(offsets: readonly number[]): Promise<KafkaLease[]> {
    const leases: KafkaLease[] = [];
    for (const offset of offsets) leases.push((await this.handOut(offset))!);
    return leases;
  }

  flush(): Promise<void> {
    return this.states.flush([this.state]);
  }

  /** The process is gone: nothing is committed any more. */
  die(): KafkaLease[] {
    const lost = this.states.close(this.state);
    this.states.end();
    return lost;
  }

  async next(): Promise<PartitionOwner> {
    this.die();
    return new PartitionOwner(this.broker, this.state.place.isRetries).open();
  }
}

export const waiting = (offset: number): WaitingRecord => ({
  offset,
  timestamp: 1,
  record: { key: null, value: null, headers: {} },
  bytes: 10,
});
