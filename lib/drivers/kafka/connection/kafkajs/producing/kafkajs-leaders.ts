import { systemClock } from '../../../../../core/clock.js';
import type { KafkajsCluster } from '../library/kafkajs-cluster.js';

/** Topics whose metadata is kept fresh. When there are more, all are asked for again. */
const MOST = 500;

/** The broker of each partition of a topic, by number. An error: why it is not known. */
export type Leaders = ReadonlyMap<string, ReadonlyMap<number, string | NoLeader> | Error>;

/** No broker leads the partition, as far as the brokers know. */
export class NoLeader extends Error {
  readonly type = 'LEADER_NOT_AVAILABLE';
  readonly retriable = true;

  constructor(
    topic: string,
    partition: number,
    /** When this was first seen, on the clock of this process. */
    readonly since: number,
  ) {
    super(`No broker leads partition ${partition} of the topic "${topic}"`);
  }
}

/** Knows which broker leads which partition. */
export class KafkajsLeaders {
  /** Asked for again before the next use: a broker has said that it does not lead a partition. */
  private isStale = false;
  /** Since when partitions have no leader, by `<partition>/<topic>`. */
  private readonly leaderless = new Map<string, number>();

  constructor(private readonly cluster: KafkajsCluster) {}

  stale(): void {
    this.isStale = true;
  }

  /**
   * Returns the leaders of these topics. A topic that was deleted does not hide those of others.
   * @throws where no broker answers
   */
  async of(topics: ReadonlySet<string>): Promise<Leaders> {
    await this.refresh(topics);
    return new Map([...topics].map((topic) => [topic, this.leadersOf(topic)]));
  }

  private async refresh(topics: ReadonlySet<string>): Promise<void> {
    const { cluster } = this;
    if (cluster.targetTopics.size > MOST) cluster.targetTopics = new Set();
    if (!cluster.isConnected()) await cluster.connect();
    const isNew = [...topics].some((topic) => !cluster.targetTopics.has(topic));
    for (const topic of topics) cluster.targetTopics.add(topic);
    const { isStale } = this;
    this.isStale = false;
    if (isNew || isStale) await cluster.refreshMetadata();
    else await cluster.refreshMetadataIfNecessary();
  }

  private leadersOf(topic: string): ReadonlyMap<number, string | NoLeader> | Error {
    const { metadata } = this.cluster.brokerPool;
    const found = metadata?.topicMetadata.find((one) => one.topic === topic);
    if (found?.error) {
      // It is asked for again when it is written to again.
      this.cluster.targetTopics.delete(topic);
      return found.error;
    }
    return new Map(
      found?.partitionMetadata.map(({ partitionId, leader }) => [
        partitionId,
        this.leaderOf(topic, partitionId, leader),
      ]),
    );
  }

  private leaderOf(topic: string, partition: number, leader: number): string | NoLeader {
    const place = `${partition}/${topic}`;
    if (leader >= 0) {
      if (this.leaderless.size > 0) this.leaderless.delete(place);
      return String(leader);
    }
    const since = this.leaderless.get(place) ?? systemClock.now();
    this.leaderless.set(place, since);
    return new NoLeader(topic, partition, since);
  }
}
