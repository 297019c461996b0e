import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventBus } from '../../../lib/core/event-bus.js';
import type { KafkaAdmin, ReadRecord } from '../../../lib/drivers/kafka/connection/kafka-client.js';
import {
  KAFKA_OPTIONS,
  type KafkaOptions,
} from '../../../lib/drivers/kafka/connection/kafka.options.js';
import { KafkajsClient } from '../../../lib/drivers/kafka/connection/kafkajs/kafkajs-client.js';
import { kafka } from '../../../lib/drivers/kafka/kafka.driver.js';
import { groupIn, groupOn, Names } from '../../../lib/drivers/kafka/names/names.js';
import { decodeMetadata } from '../../../lib/drivers/kafka/partitions/offset-metadata.js';
import { progressAt, type Progress } from '../../../lib/drivers/kafka/partitions/progress.js';
import { decodeRecord } from '../../../lib/drivers/kafka/wire/decode-record.js';
import { startKafkaCluster } from '../../support/kafka-cluster.js';
import { startKafka, type KafkaServer } from '../../support/kafka-server.js';
import { testKafka } from '../../support/kafka.js';
import { pace } from '../../support/passing-time.js';
import type { WorkerProcess } from './worker-process.js';
import { GROUP, STREAM, WorkerScene, type SceneServer, type StoredEntry } from './worker-scene.js';

/** Partitions for some workers at a time. */
const MANY = { 'num.partitions': 6 };
const DIRECTORY = join(tmpdir(), 'streams-faults-');
/** Between two tries of a request of the scene while the broker is away, ms. */
const RETRY = 50;
/** So many tries. */
const TRIES = 400;
const AT_ONCE = 2 ** 20;

/** A scene on Kafka. */
export class KafkaScene extends WorkerScene {
  protected readonly place: { readonly kafka: KafkaOptions };
  private readonly names = new Names('');

  /** The connections of the scene itself. */
  private readonly client: KafkajsClient;

  private constructor(
    server: SceneServer,
    directory: string,
    readonly brokers: string[],
    options: KafkaOptions = {},
  ) {
    const driver = kafka({ ...options, brokers });
    // Kafka has no state store.
    super(server, directory, { messageSource: driver, deadLetterQueue: driver });
    this.place = { kafka: { ...options, brokers } };
    this.client = new KafkajsClient(KAFKA_OPTIONS.complete({ brokers }), new EventBus());
  }

  /** One broker. @param options of the driver */
  static async open(options: KafkaOptions = {}): Promise<KafkaScene> {
    const server = await startKafka({ config: MANY });
    return new KafkaScene(server, await mkdtemp(DIRECTORY), server.brokers, options);
  }

  /**
   * Three brokers. The one that leads the first partition of a topic is killed, and started again.
   * @param topic default that of the stream
   */
  static async onCluster(topic = STREAM): Promise<KafkaScene> {
    const cluster = await startKafkaCluster({ config: MANY });
    let killed: KafkaServer | undefined;
    const server = {
      kill: async () => void (killed = await cluster.killLeaderOf(topic)),
      start: async () => {
        await killed?.start();
        await cluster.untilCopied(topic);
      },
      stop: () => cluster.stop(),
    };
    return new KafkaScene(server, await mkdtemp(DIRECTORY), cluster.brokers);
  }

  protected async disconnect(): Promise<void> {
    await this.client.close();
  }

  left(): Promise<number> {
    return this.unsettled([STREAM]);
  }

  /** What it has begun last of all workers, and is not committed as settled. */
  async pending(worker?: WorkerProcess): Promise<string[]> {
    const last = new Map<string, string>();
    const started = this.notes('started').sort((one, other) => one.at - other.at);
    for (const note of started) last.set(note.id, note.worker);
    const states = await this.states(GROUP, this.names.topic(STREAM));
    return [...last.keys()].filter(
      (id) => !isSettled(states, id) && (!worker || last.get(id) === worker.name),
    );
  }

  /** Also what is announced to be handed out by some worker, and has begun nowhere. */
  override async mayHold(worker: WorkerProcess): Promise<string[]> {
    const started = new Set(this.notes('started').map(({ id }) => id));
    const states = await this.states(GROUP, this.names.topic(STREAM));
    const waiting = [...states].flatMap(([partition, { floor, handed, done }]) =>
      [...done.missing(floor, handed)].map((offset) => `${partition}-${offset}`),
    );
    return [...(await this.pending(worker)), ...waiting.filter((id) => !started.has(id))];
  }

  /** Gives the topic of the stream so many partitions. */
  async raisePartitions(count: number): Promise<void> {
    const { admin } = await testKafka(this.brokers);
    await admin.createPartitions({ topicPartitions: [{ topic: this.names.topic(STREAM), count }] });
    await admin.disconnect();
  }

  /** Deletes the topic of the stream. */
  async deleteTopic(): Promise<void> {
    await this.ask((admin) => admin.deleteTopics([this.names.topic(STREAM)]));
  }

  async entries(stream: string): Promise<StoredEntry[]> {
    const topic = this.names.topic(stream);
    const entries: StoredEntry[] = [];
    for (const { partition, low, high } of await this.partitionsOf(topic)) {
      for (const record of await this.records(topic, partition, low, high))
        entries.push({ id: `${partition}-${record.offset}`, fields: decodeRecord(stream, record) });
    }
    return entries;
  }

  async length(stream: string): Promise<number> {
    return (await this.entries(stream)).length;
  }

  async unsettled(streams: readonly string[]): Promise<number> {
    let sum = 0;
    const all = await this.ask((admin) => admin.listGroups());
    for (const stream of streams) {
      const topic = this.names.topic(stream);
      const groups = all.flatMap((name) => groupIn(name, topic) ?? []);
      for (const group of groups) {
        sum += await this.unsettledOf(group, topic);
        sum += await this.unsettledOf(group, this.names.retries(group, stream));
      }
    }
    return sum;
  }

  async cut(): Promise<void> {
    await this.server.kill();
    await this.server.start();
  }

  private async unsettledOf(group: string, topic: string): Promise<number> {
    const states = await this.states(group, topic);
    let sum = 0;
    for (const { partition, low, high } of await this.partitionsOf(topic)) {
      const { floor, done } = states.get(partition) ?? progressAt(low);
      // Marks of transactions have offsets, too.
      const records = floor < high ? await this.records(topic, partition, floor, high) : [];
      sum += records.filter(({ offset }) => !done.has(offset)).length;
    }
    return sum;
  }

  /** What a group has committed, by partition. */
  private async states(group: string, topic: string): Promise<Map<number, Progress>> {
    const id = groupOn(group, topic);
    const offsets = await this.ask((admin) => admin.allGroupOffsets(id));
    const known = (offsets.get(topic) ?? []).map(
      ({ partition, offset = 0, metadata }) =>
        [partition, decodeMetadata(offset, metadata)] as const,
    );
    return new Map(known);
  }

  /** None where there is no such topic. */
  private async partitionsOf(topic: string) {
    const topics = await this.ask((admin) => admin.topics([topic]));
    return topics.has(topic) ? this.ask((admin) => admin.offsets(topic)) : [];
  }

  private async records(
    topic: string,
    partition: number,
    from: number,
    below: number,
  ): Promise<ReadRecord[]> {
    const records: ReadRecord[] = [];
    for (let at = from; at < below;) {
      const batch = await this.ask((admin) => admin.read(topic, partition, at, AT_ONCE));
      records.push(...batch.records.filter(({ offset }) => offset < below));
      // An open transaction ends what can be read.
      if (batch.next === at) break;
      at = batch.next;
    }
    return records;
  }

  /** Asks the broker. Tried again while the broker is away. */
  private async ask<T>(request: (admin: KafkaAdmin) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await request(this.client.admin);
      } catch (error) {
        if (tries === TRIES) throw error;
        await pace(RETRY);
      }
    }
  }
}

function isSettled(states: ReadonlyMap<number, Progress>, id: string): boolean {
  const [partition, offset] = id.split('-').map(Number);
  const { floor, done } = states.get(partition!) ?? progressAt(0);
  return offset! < floor || done.has(offset!);
}
