import { EventBus } from '../../lib/core/event-bus.js';
import type { StreamsEventName, StreamsEvents } from '../../lib/core/events.js';
import type { KafkaAdmin, ReadRecord } from '../../lib/drivers/kafka/connection/kafka-client.js';
import type {
  FetchAnswer,
  FetchedBatch,
  FetchRequest,
  GroupOptions,
  KafkaGroup,
} from '../../lib/drivers/kafka/connection/kafka-group.js';
import { NO_MARKS } from '../../lib/drivers/kafka/groups/mark.js';
import { Names } from '../../lib/drivers/kafka/names/names.js';
import type { KafkaLease } from '../../lib/drivers/kafka/partitions/kafka.lease.js';
import type { PartitionState } from '../../lib/drivers/kafka/partitions/partition-state.js';
import { KafkaSubscription } from '../../lib/drivers/kafka/reading/kafka.subscription.js';
import type { ReadingOptions } from '../../lib/drivers/kafka/reading/read-topic.js';
import type { StreamReadingsParts } from '../../lib/drivers/kafka/reading/stream-readings.js';
import { retryHeaders, type Retried } from '../../lib/drivers/kafka/retries/retry-record.js';
import type { SubscribeOptions } from '../../lib/ports/subscription.js';
import { GroupCoordinator } from './kafka-coordinator.js';
import { until } from './until.js';

export const names = new Names('');

class FakeTopic {
  readonly coordinator = new GroupCoordinator();
  readonly logs: FakeLog[];

  constructor(partitions: number) {
    this.coordinator.partitions = partitions;
    this.logs = Array.from({ length: partitions }, () => ({ low: 0, records: [] }));
  }
}

interface FakeLog {
  /** The offset of the first record. */
  low: number;
  records: ReadRecord[];
}

const bytesOf = (value: string | Buffer): Buffer =>
  typeof value === 'string' ? Buffer.from(value) : value;

const endOf = ({ low, records }: FakeLog): number => low + records.length;

/** Topics without brokers, and subscriptions of the group `shop` that read them. One broker leads them all. */
export class KafkaTopics {
  /** Awaited before a fetch is answered. */
  onFetch: (topic: string, request: FetchRequest) => Promise<void> | void = () => undefined;
  /** Awaited before offsets are committed. */
  onCommit: (topic: string) => Promise<void> | void = () => undefined;
  /** Awaited before a heartbeat is answered. */
  onHeartbeat: () => Promise<void> | void = () => undefined;
  /** Awaited before a member that leaves is answered. */
  onLeave: (topic: string) => Promise<void> | void = () => undefined;
  marks = NO_MARKS;
  /** How many subscriptions listen for marks. */
  listeners = 0;
  private readonly topics = new Map<string, FakeTopic>();
  private readonly arrivals = new Set<() => void>();

  add(topic: string, partitions = 1): this {
    this.topics.set(topic, new FakeTopic(partitions));
    return this;
  }

  delete(topic: string): void {
    this.topics.delete(topic);
  }

  at(topic: string): FakeTopic {
    return this.topics.get(topic)!;
  }

  /** Appends records with these values to a partition. */
  append(topic: string, values: readonly (string | Buffer)[], partition = 0, timestamp = 1): this {
    for (const value of values) {
      this.appendRecord(topic, partition, { timestamp, value: bytesOf(value), headers: {} });
    }
    return this;
  }

  /** Appends a retry of message `0-0` of the stream `orders`. */
  appendRetry(value: Buffer, retried: Partial<Retried> & Pick<Retried, 'dueAt'>): this {
    const all = { stream: 'orders', id: '0-0', publishedAt: 1, attempts: 1, ...retried };
    const headers = Object.fromEntries(
      Object.entries(retryHeaders({}, all)).map(([name, text]) => [
        name,
        Buffer.from(text as string),
      ]),
    );
    this.appendRecord(names.retries('shop', 'orders'), 0, { timestamp: 1, value, headers });
    return this;
  }

  /** Deletes the records of a partition below this offset. */
  deleteBelow(topic: string, low: number, partition = 0): void {
    const log = this.at(topic).logs[partition]!;
    log.records.splice(0, low - log.low);
    log.low = low;
  }

  /** A partition ends before this offset from now on. */
  truncate(topic: string, end: number, partition = 0): void {
    const log = this.at(topic).logs[partition]!;
    log.records.splice(end - log.low);
  }

  /** What a subscription needs of a driver. */
  parts(
    options: Partial<ReadingOptions> = {},
    events = new EventBus(),
  ): Omit<StreamReadingsParts, 'client'> & {
    client: { admin: KafkaAdmin; member: StreamReadingsParts['client']['member'] };
  } {
    const client = { admin: this.admin(), member: (member: GroupOptions) => this.member(member) };
    return {
      ...{ client, names, events },
      marks: {
        look: async () => {
          const { marks } = this;
          return { of: () => marks } as never;
        },
        onChange: () => {
          this.listeners++;
          return () => void this.listeners--;
        },
      },
      groups: { open: async ({ topic }) => (this.topics.has(topic) ? 'there' : 'no-stream') },
      transactions: { fence: async () => undefined, end: async () => undefined },
      decode: (_, { key }) => ({ fields: [], key: key?.toString() }),
      retries: { trimOf: () => ({ soon: () => undefined, now: async () => undefined }) },
      options: {
        ...{ rebalanceTimeout: 5000, metadataMaxAge: 60_000, commitInterval: 10 },
        ...{ maxBufferedBytes: 1_000_000, ...options },
      },
    };
  }

  private appendRecord(
    topic: string,
    partition: number,
    record: Omit<ReadRecord, 'offset' | 'key'>,
  ): void {
    const log = this.at(topic).logs[partition]!;
    log.records.push({ ...record, key: null, offset: endOf(log) });
    for (const arrived of this.arrivals) arrived();
  }

  private member(options: GroupOptions): KafkaGroup {
    const { topic } = options;
    const { coordinator } = this.at(topic);
    const requests = coordinator.connect(options);
    return {
      ...requests,
      leaders: async () => (this.topics.has(topic) ? requests.leaders() : undefined),
      leave: async (memberId) => {
        await this.onLeave(topic);
        return requests.leave(memberId);
      },
      heartbeat: async (member) => {
        await this.onHeartbeat();
        return requests.heartbeat(member);
      },
      commit: async (member, offsets) => {
        await this.onCommit(topic);
        return requests.commit(member, offsets);
      },
      fetch: (request) => this.fetch(topic, request),
    };
  }

  private async fetch(topic: string, request: FetchRequest): Promise<FetchAnswer> {
    await this.onFetch(topic, request);
    const { logs } = this.at(topic);
    const hasNews = () =>
      request.positions.some(({ partition, offset }) => offset !== endOf(logs[partition]!));
    if (!hasNews()) await this.arrival(request.maxWait);
    const batches: FetchedBatch[] = [];
    for (const { partition, offset } of request.positions) {
      const log = logs[partition]!;
      const end = endOf(log);
      if (offset < log.low || offset > end) return { batches: [], outOfRange: partition };
      const records = log.records.slice(offset - log.low);
      const place = { topic, partition, low: log.low, high: end, stable: end };
      batches.push({ ...place, records, next: end });
    }
    return { batches };
  }

  /** Resolves when a record arrives, or after this time in milliseconds. */
  private arrival(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.arrivals.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.arrivals.add(done);
    });
  }

  private admin(): KafkaAdmin {
    const admin: Pick<KafkaAdmin, 'topics' | 'offsets' | 'offsetsAt' | 'groupOffsets'> = {
      topics: async (topics) =>
        new Map(topics.filter((topic) => this.topics.has(topic)).map((topic) => [topic, [0]])),
      offsets: async (topic) =>
        this.at(topic).logs.map((log, partition) => {
          return { partition, low: log.low, high: endOf(log) };
        }),
      offsetsAt: async (topic, time) =>
        new Map(
          this.at(topic).logs.map((log, partition) => {
            const found = log.records.find(({ timestamp }) => timestamp >= time);
            return [partition, found?.offset ?? endOf(log)];
          }),
        ),
      groupOffsets: async (_, topic) =>
        this.at(topic).logs.map((_log, partition) => {
          const known = this.at(topic).coordinator.committed.get(partition);
          return { partition, offset: known?.offset, metadata: known?.metadata ?? '' };
        }),
    };
    return admin as KafkaAdmin;
  }
}

/** A subscription of the group `shop` that reads these topics. */
export class TopicsReader {
  readonly events = new EventBus();
  readonly handed: KafkaLease[] = [];
  readonly subscription: KafkaSubscription;

  constructor(
    topics: KafkaTopics,
    subscribing: Partial<SubscribeOptions> = {},
    options: Partial<ReadingOptions> = {},
  ) {
    this.subscription = new KafkaSubscription(
      {
        ...{ streams: ['orders'], group: 'shop', consumer: 'one', startId: '0' },
        ...{ blockTimeout: 200, idleTimeout: 6000, reclaimInterval: 60_000, ...subscribing },
      },
      { ...topics.parts(options, this.events), onClosed: () => undefined },
    );
  }

  async open(): Promise<this> {
    await this.subscription.open();
    return this;
  }

  /** Pulls until there are as many leases, or more. Returns those of these pulls. */
  async take(count: number, limit = 100): Promise<KafkaLease[]> {
    const taken: KafkaLease[] = [];
    await until(`${count} leases came`, async () => {
      if (taken.length < count) taken.push(...(await this.pull(limit)));
      return taken.length >= count;
    });
    return taken;
  }

  async pull(limit = 100): Promise<KafkaLease[]> {
    const leases = (await this.subscription.pull(limit)) as KafkaLease[];
    this.handed.push(...leases);
    return leases;
  }

  /** Leases that were taken, and that no pull has returned yet. */
  get taken(): readonly KafkaLease[] {
    return this.subscription['handOut']['taken']?.leases ?? [];
  }

  /** Whether a partition hands out nothing more until something is settled. */
  get isFull(): boolean {
    return this.handed.some(({ state }) => (state as PartitionState).isFull);
  }

  /** The events of this name from now on. */
  told<N extends StreamsEventName>(name: N): StreamsEvents[N][] {
    const told: StreamsEvents[N][] = [];
    this.events.on(name, (event) => told.push(event));
    return told;
  }
}

export const offsetsOf = (leases: readonly KafkaLease[]): number[] =>
  leases.map(({ offset }) => offset);

/** The work of these leases is done. */
export function finish(leases: readonly KafkaLease[]): void {
  for (const lease of leases) lease.state.finish(lease);
}
