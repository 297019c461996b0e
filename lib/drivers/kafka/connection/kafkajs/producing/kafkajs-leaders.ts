import type { KafkajsCluster } from '../library/kafkajs-cluster.js';
import { brokerWord } from '../library/kafkajs-refusals.js';

/** Topics whose metadata is kept fresh. When there are more, all are asked for again. */
const MOST = 500;

/** The broker of each partition of a topic, by number. An error: why it is not known. */
export type Leaders = ReadonlyMap<string, ReadonlyMap<number, string> | Error>;

/** Knows which broker leads which partition. */
export class KafkajsLeaders {
  /** Asked for again before the next use: a broker has said that it does not lead a partition. */
  private isStale = false;

  constructor(private readonly cluster: KafkajsCluster) {}

  stale(): void {
    this.isStale = true;
  }

  /**
   * Returns the leaders of these topics. A topic that was deleted does not hide those of others.
   * @throws where no broker answers
   */
  async of(topics: ReadonlySet<string>): Promise<Leaders> {
    try {
      await this.refresh(topics);
      return new Map([...topics].map((topic) => [topic, this.leadersOf(topic)]));
    } catch (error) {
      if (brokerWord(error) === undefined) throw error;
      return this.oneByOne(topics);
    }
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

  /** A broker answers for all topics of a request, or for none. */
  private async oneByOne(topics: ReadonlySet<string>): Promise<Leaders> {
    const found = new Map<string, ReadonlyMap<number, string> | Error>();
    for (const topic of topics) {
      this.cluster.targetTopics = new Set([topic]);
      try {
        await this.cluster.refreshMetadata();
        found.set(topic, this.leadersOf(topic));
      } catch (error) {
        if (brokerWord(error) === undefined) throw error;
        found.set(topic, error as Error);
      }
    }
    const known = [...topics].filter((topic) => !(found.get(topic) instanceof Error));
    this.cluster.targetTopics = new Set(known);
    this.isStale = true;
    return found;
  }

  private leadersOf(topic: string): ReadonlyMap<number, string> {
    const partitions = this.cluster.findTopicPartitionMetadata(topic);
    return new Map(partitions.map(({ partitionId, leader }) => [partitionId, String(leader)]));
  }
}
