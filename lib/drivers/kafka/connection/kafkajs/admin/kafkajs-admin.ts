import { readBatch } from '../library/fetched-records.js';
import type {
  CommittedOffset,
  GroupDescription,
  GroupOffset,
  KafkaAdmin,
  KafkaTopic,
  PartitionOffsets,
  ReadBatch,
} from '../../kafka-client.js';
import type { KafkajsBroker } from '../library/kafkajs-broker.js';
import type { KafkajsBrokers } from './kafkajs-brokers.js';
import { KafkajsGroups } from './kafkajs-groups.js';
import { isUndecodable, unreadable } from '../library/kafkajs-errors.js';
import type { KafkaJS } from '../library/kafkajs-package.js';
import { KafkajsTopics, missingTopic } from './kafkajs-topics.js';

/** Special times of the request for offsets. */
const LATEST = -1;
const EARLIEST = -2;
/** What is committed: what a transaction that is under way has written counts as the end of a partition. */
const READ_COMMITTED = 1;
const READ_UNCOMMITTED = 0;
/** The number of topics among the resources of Kafka. */
const TOPIC = 2;

/** {@link KafkaAdmin} by kafkajs. Not by its `admin`, which asks several times for what is missing. */
export class KafkajsAdmin implements KafkaAdmin {
  private readonly groups: KafkajsGroups;
  private readonly topicRequests: KafkajsTopics;

  /** @param requestTimeout in milliseconds */
  constructor(
    private readonly brokers: KafkajsBrokers,
    kafkajs: () => Promise<KafkaJS>,
    requestTimeout: number,
  ) {
    this.groups = new KafkajsGroups(brokers, kafkajs);
    this.topicRequests = new KafkajsTopics(brokers, requestTimeout);
  }

  async offsets(topic: string, which: 'all' | 'led' = 'all'): Promise<PartitionOffsets[]> {
    const [low, high] = await Promise.all([
      this.offsetsOf(topic, EARLIEST, which),
      this.offsetsOf(topic, LATEST, which),
    ]);
    return [...low].flatMap(([partition, first]) => {
      const end = high.get(partition);
      return end === undefined ? [] : [{ partition, low: first, high: Math.max(first, end) }];
    });
  }

  async offsetsAt(topic: string, time: number): Promise<Map<number, number>> {
    const found = await this.offsetsOf(topic, Math.max(0, Math.floor(time)));
    const isBehindAll = [...found.values()].some((offset) => offset < 0);
    if (!isBehindAll) return found;
    const ends = await this.offsetsOf(topic, LATEST);
    return new Map(
      [...found].map(([partition, offset]) => [
        partition,
        offset < 0 ? ends.get(partition)! : offset,
      ]),
    );
  }

  async deleteRecords(
    topic: string,
    below: readonly { partition: number; offset: number }[],
  ): Promise<void> {
    const offsets = new Map(below.map(({ partition, offset }) => [partition, String(offset)]));
    await this.brokers.askLeaders(
      `deleting messages of the topic "${topic}"`,
      topic,
      (broker, led) =>
        withPartitionErrors(
          broker.deleteRecords({
            topics: [
              {
                topic,
                partitions: led.map((partition) => ({
                  partition,
                  offset: offsets.get(partition)!,
                })),
              },
            ],
          }),
        ),
      [...offsets.keys()],
    );
  }

  async config(topic: string): Promise<ReadonlyMap<string, string>> {
    const { resources } = await this.brokers.ask(
      `reading the configuration of the topic "${topic}"`,
      (broker) =>
        broker.describeConfigs({ resources: [{ type: TOPIC, name: topic, configNames: [] }] }),
    );
    const entries = resources[0]?.configEntries ?? [];
    return new Map(entries.map(({ configName, configValue }) => [configName, configValue ?? '']));
  }

  async read(
    topic: string,
    partition: number,
    offset: number,
    maxBytes: number,
  ): Promise<ReadBatch> {
    const action = `reading the topic "${topic}"`;
    const answers = await this.brokers.askLeaders(
      action,
      topic,
      (broker) =>
        broker
          .fetch({
            ...{ maxWaitTime: 0, minBytes: 0, maxBytes, isolationLevel: READ_COMMITTED },
            topics: [{ topic, partitions: [{ partition, fetchOffset: String(offset), maxBytes }] }],
          })
          .catch((error: unknown) => {
            if (!isUndecodable(error)) throw error;
            throw unreadable(topic, partition, offset, error);
          }),
      [partition],
    );
    const fetched = answers[0]?.responses[0]?.partitions[0];
    if (!fetched) throw missingTopic(action);
    return readBatch(topic, offset, fetched);
  }

  createTopics(topics: readonly KafkaTopic[]): Promise<void> {
    return this.topicRequests.create(topics);
  }

  deleteTopics(topics: readonly string[]): Promise<void> {
    return this.topicRequests.delete(topics);
  }

  topics(topics: readonly string[]): Promise<Map<string, readonly number[]>> {
    return this.topicRequests.partitions(topics);
  }

  listTopics(): Promise<string[]> {
    return this.topicRequests.list();
  }

  groupOffsets(groupId: string, topic: string): Promise<GroupOffset[]> {
    return this.groups.offsets(groupId, topic);
  }

  allGroupOffsets(groupId: string): Promise<Map<string, GroupOffset[]>> {
    return this.groups.allOffsets(groupId);
  }

  setGroupOffsets(
    groupId: string,
    topic: string,
    offsets: readonly CommittedOffset[],
  ): Promise<void> {
    return this.groups.setOffsets(groupId, topic, offsets);
  }

  listGroups(): Promise<string[]> {
    return this.groups.list();
  }

  describeGroups(groupIds: readonly string[]): Promise<GroupDescription[]> {
    return this.groups.describe(groupIds);
  }

  deleteGroups(groupIds: readonly string[]): Promise<void> {
    return this.groups.delete(groupIds);
  }

  /** One offset per partition. -1: there is no record of this time or later. */
  private async offsetsOf(
    topic: string,
    timestamp: number,
    which: 'all' | 'led' = 'all',
  ): Promise<Map<number, number>> {
    const isolationLevel = timestamp === LATEST ? READ_UNCOMMITTED : READ_COMMITTED;
    const ask = (broker: KafkajsBroker, led: readonly number[]) =>
      broker.listOffsets({
        ...{ replicaId: -1, isolationLevel },
        topics: [{ topic, partitions: led.map((partition) => ({ partition, timestamp })) }],
      });
    const action = `looking for offsets of the topic "${topic}"`;
    const answers = await this.brokers.askLeaders(action, topic, ask, which);
    const partitions = answers.flatMap(({ responses }) => responses[0]?.partitions ?? []);
    return new Map(
      partitions
        .map(({ partition, offset }): [number, number] => [partition, Number(offset)])
        .sort(([a], [b]) => a - b),
    );
  }
}

/** kafkajs gathers the errors of all partitions. */
const withPartitionErrors = <T>(answer: Promise<T>): Promise<T> =>
  answer.catch((error: unknown) => {
    const { partitions } = error as { readonly partitions?: readonly { readonly error: Error }[] };
    throw partitions?.[0]?.error ?? error;
  });
