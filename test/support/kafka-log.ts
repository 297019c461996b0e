import type { KafkajsCluster } from '../../lib/drivers/kafka/connection/kafkajs/library/kafkajs-cluster.js';
import type { ProduceAnswer } from '../../lib/drivers/kafka/connection/kafkajs/library/kafkajs-broker.js';
import type { ProduceRequest } from '../../lib/drivers/kafka/connection/kafkajs/producing/kafkajs-produce-request.js';

type Partition = ProduceRequest['topicData'][number]['partitions'][number];

interface Written {
  readonly producerId: string;
  readonly sequence: number;
  readonly offset: number;
  readonly count: number;
}

/** An error as kafkajs throws it for a broker's answer. */
export const answered = (type: string, retriable = false): Error =>
  Object.assign(new Error(type), { name: 'KafkaJSProtocolError', type, retriable });

/** What a request does instead of being answered. */
export type Mishap = 'answer is lost' | 'nothing arrives' | 'not connected' | 'not allowed';

/**
 * One broker that keeps the rules of idempotent producers: a batch with the numbers of an earlier one is
 * that one, and a gap in the numbers is refused. Counts as all brokers of a cluster.
 */
export class KafkaLog {
  /** Values that are stored, by `<topic>/<partition>`. */
  readonly stored = new Map<string, string[]>();
  /** What becomes of the next requests, one for each. */
  readonly mishaps: Mishap[] = [];
  /** Why a batch is refused. */
  refuse: (values: readonly string[], place: string) => Error | undefined = () => undefined;
  /** Awaited before a request is looked at. */
  gate: Promise<void> = Promise.resolve();
  requests = 0;
  /** Producers that the broker has forgotten. */
  readonly forgotten = new Set<string>();
  /** Partitions that no broker leads. */
  readonly leaderless = new Set<number>();
  private readonly written = new Map<string, Written[]>();
  private producers = 0;

  constructor(private readonly partitions: number) {}

  readonly cluster = {
    targetTopics: new Set<string>(),
    isConnected: () => true,
    connect: () => Promise.resolve(),
    refreshMetadata: () => Promise.resolve(),
    refreshMetadataIfNecessary: () => Promise.resolve(),
    brokerPool: this.metadata(),
    findBroker: () => Promise.resolve({ initProducerId: this.open, produce: this.produce }),
  } as unknown as KafkajsCluster;

  /** All values of a partition. */
  at(place: string): readonly string[] {
    return this.stored.get(place) ?? [];
  }

  /** What the cluster knows of its topics. */
  private metadata(): object {
    const partitionMetadata = () =>
      Array.from({ length: this.partitions }, (_, partitionId) => ({
        partitionId,
        leader: this.leaderless.has(partitionId) ? -1 : 1,
      }));
    const topics = (): string[] => [...this.cluster.targetTopics];
    return {
      get metadata() {
        const topicMetadata = topics().map((topic) => ({
          topic,
          partitionMetadata: partitionMetadata(),
        }));
        return { topicMetadata };
      },
    };
  }

  private readonly open = () =>
    Promise.resolve({ producerId: String(++this.producers), producerEpoch: 0 });

  private readonly produce = async (request: ProduceRequest): Promise<ProduceAnswer> => {
    this.requests++;
    const mishap = this.mishaps.shift();
    await this.gate;
    if (mishap === 'not connected') throw connectionError('Not connected');
    if (mishap === 'nothing arrives') throw connectionError('Closed connection');
    // Brokers look at rights before they look whether they have the batch.
    if (mishap === 'not allowed') throw answered('TOPIC_AUTHORIZATION_FAILED');
    let error: Error | undefined;
    const topics = request.topicData.map(({ topic, partitions }) => ({
      topicName: topic,
      partitions: partitions.map((partition) => {
        const outcome = this.append(
          request.producerId,
          `${topic}/${partition.partition}`,
          partition,
        );
        if (outcome instanceof Error) error ??= outcome;
        return { partition: partition.partition, baseOffset: String(outcome) };
      }),
    }));
    if (mishap === 'answer is lost') throw connectionError('Closed connection');
    if (error) throw error;
    return { topics };
  };

  private append(producerId: string, place: string, batch: Partition): number | Error {
    const { firstSequence: sequence, messages } = batch;
    const values = messages.map(({ value }) => String(value));
    const before = this.writtenBy(producerId, place);
    const same = before.find((one) => one.sequence === sequence && one.count === values.length);
    if (same) return same.offset;
    const refused = this.refuse(values, place);
    if (refused) return refused;
    if (this.forgotten.has(producerId)) return answered('UNKNOWN_PRODUCER_ID');
    const last = before.at(-1);
    if (sequence !== (last ? last.sequence + last.count : 0)) {
      return answered('OUT_OF_ORDER_SEQUENCE_NUMBER');
    }
    const log = this.stored.get(place) ?? [];
    const offset = log.length;
    this.stored.set(place, [...log, ...values]);
    before.push({ producerId, sequence, offset, count: values.length });
    return offset;
  }

  private writtenBy(producerId: string, place: string): Written[] {
    const key = `${producerId}/${place}`;
    const written = this.written.get(key) ?? [];
    this.written.set(key, written);
    return written;
  }
}

const connectionError = (message: string): Error =>
  Object.assign(new Error(message), { name: 'KafkaJSConnectionError' });
