import { sleep, systemClock } from '../../../../../core/clock.js';
import type { FetchAnswer, FetchedBatch, FetchRequest } from '../../kafka-group.js';
import { readBatch } from '../library/fetched-records.js';
import type { KafkajsBroker } from '../library/kafkajs-broker.js';
import { isUndecodable, typedError, unreadable } from '../library/kafkajs-errors.js';

const READ_COMMITTED = 1;
/** After this time records that could not be decoded are asked for again, in milliseconds. */
const UNREADABLE_FOR = 10_000;

type Position = FetchRequest['positions'][number];

/** Reads a topic. Records that cannot be decoded hold up their own partition only. */
export class KafkajsFetching {
  /** Where records could not be decoded, by partition. */
  private readonly unreadable = new Map<number, { readonly offset: number; readonly at: number }>();

  constructor(private readonly topic: string) {}

  /** Asks the broker that leads the partitions. */
  async fetch(
    find: () => Promise<KafkajsBroker>,
    { positions, ...request }: FetchRequest,
  ): Promise<FetchAnswer> {
    const readable = positions.filter((position) => this.isReadable(position));
    if (readable.length === 0) {
      await sleep(systemClock, request.maxWait);
      return { batches: [] };
    }
    try {
      const broker = await find();
      return { batches: await this.read(broker, { ...request, positions: readable }) };
    } catch (error) {
      const { partition, name } = error as { readonly partition?: number; readonly name?: string };
      if (name === 'KafkaJSOffsetOutOfRange') return { batches: [], outOfRange: partition! };
      if (isUndecodable(error)) return this.readAlone(find, { ...request, positions: readable });
      throw this.typed(error);
    }
  }

  private isReadable({ partition, offset }: Position): boolean {
    const found = this.unreadable.get(partition);
    return found?.offset !== offset || systemClock.now() - found.at > UNREADABLE_FOR;
  }

  /** kafkajs decodes an answer as a whole: each partition has an answer of its own. */
  private async readAlone(
    find: () => Promise<KafkajsBroker>,
    request: FetchRequest,
  ): Promise<FetchAnswer> {
    const broker = await find();
    const batches: FetchedBatch[] = [];
    const failed: Error[] = [];
    for (const position of request.positions) {
      try {
        const alone = { ...request, maxWait: 0, positions: [position] };
        batches.push(...(await this.read(broker, alone)));
      } catch (error) {
        const { partition, offset } = position;
        // What else goes wrong comes again with the next request.
        if (!isUndecodable(error)) continue;
        this.unreadable.set(partition, { offset, at: systemClock.now() });
        failed.push(unreadable(this.topic, partition, offset, error));
      }
    }
    return { batches, failed };
  }

  private async read(
    broker: KafkajsBroker,
    { maxWait, maxBytes, maxBytesPerPartition, positions }: FetchRequest,
  ): Promise<FetchedBatch[]> {
    const { topic } = this;
    const partitions = positions.map(({ partition, offset }) => ({
      ...{ partition, maxBytes: maxBytesPerPartition },
      fetchOffset: String(offset),
    }));
    const { responses } = await broker.fetch({
      ...{ maxWaitTime: maxWait, minBytes: 1, maxBytes, isolationLevel: READ_COMMITTED },
      topics: [{ topic, partitions }],
    });
    const from = new Map(positions.map(({ partition, offset }) => [partition, offset]));
    const fetched = responses.flatMap((response) => response.partitions);
    return fetched.map((one) => readBatch(topic, from.get(one.partition)!, one));
  }

  private typed(error: unknown): Error {
    return typedError(error, `reading the topic '${this.topic}'`);
  }
}
