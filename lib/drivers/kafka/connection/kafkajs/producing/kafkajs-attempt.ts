import { systemClock } from '../../../../../core/clock.js';
import { KafkaConnectionError } from '../../../errors/kafka-connection.errors.js';
import type { KafkajsBroker, ProduceAnswer } from '../library/kafkajs-broker.js';
import type { KafkajsCluster } from '../library/kafkajs-cluster.js';
import { NoLeader, type KafkajsLeaders, type Leaders } from './kafkajs-leaders.js';
import * as refusals from '../library/kafkajs-refusals.js';
import { produceRequest } from './kafkajs-produce-request.js';
import { PUBLISHING, type ProduceBatch } from './produce-batch.js';
import type { ProducerState } from './producer-state.js';

/** For how long brokers may not know a topic that was just made, in milliseconds. */
const SPREADING = 1000;

/** For how long a message waits for a leader of its partition that is being chosen, in milliseconds. */
const CHOOSING = 2000;
const NO_LEADER =
  'Nothing was sent; try again with backoff. Start the brokers that have copies of this partition: kafka-topics.sh --describe --unavailable-partitions tells which.';

/** When a call of `send` began and ends, on the clock of this process. */
export interface Time {
  readonly since: number;
  readonly until: number;
}

export interface AttemptParts {
  readonly cluster: KafkajsCluster;
  readonly leaders: KafkajsLeaders;
  readonly typed: (error: unknown, action: string) => Error;
  /** The producer that sends now. Opens one where there is none. */
  readonly producer: (broker: KafkajsBroker) => Promise<ProducerState>;
  /** Called before batches are sent. */
  readonly prepare?: (batches: readonly ProduceBatch[]) => Promise<void>;
  /** This producer is of no use any more: the next one is another. Undefined: no other one may send. */
  readonly renew?: (producer: ProducerState) => void;
  readonly transactionalId?: string;
  readonly compression?: number;
}

/** Sends each of some batches once. What is not settled then may be sent again. */
export class KafkajsAttempt {
  constructor(
    private readonly parts: AttemptParts,
    private readonly time: Time,
  ) {}

  /** Never rejects. */
  async send(batches: readonly ProduceBatch[]): Promise<void> {
    try {
      const leaders = await this.parts.leaders.of(new Set(batches.map(({ topic }) => topic)));
      const byLeader = this.byLeader(batches, leaders);
      await Promise.all(Array.from(byLeader, ([nodeId, own]) => this.sendTo(nodeId, own)));
    } catch (error) {
      for (const batch of batches) this.refused(batch, error);
    }
  }

  /** The batches by the broker that leads their partitions. Those without a leader are left out. */
  private byLeader(
    batches: readonly ProduceBatch[],
    leaders: Leaders,
  ): Map<string, ProduceBatch[]> {
    const byLeader = new Map<string, ProduceBatch[]>();
    for (const batch of batches) {
      const partitions = leaders.get(batch.topic)!;
      const leader = partitions instanceof Error ? partitions : partitions.get(batch.partition);
      if (leader instanceof NoLeader) this.waitForLeader(batch, leader);
      else if (typeof leader !== 'string') this.refused(batch, leader ?? new NoPartition(batch));
      else {
        const others = byLeader.get(leader);
        if (others) others.push(batch);
        else byLeader.set(leader, [batch]);
      }
    }
    return byLeader;
  }

  /** A leader is chosen in a moment, or there is none for long: then other partitions need not wait. */
  private waitForLeader(batch: ProduceBatch, error: NoLeader): void {
    batch.cause = error;
    this.parts.leaders.stale();
    if (batch.mayBeStored || systemClock.now() - error.since < CHOOSING) return;
    batch.failed(new KafkaConnectionError('not-sent', PUBLISHING, error, NO_LEADER));
  }

  private async sendTo(nodeId: string, batches: readonly ProduceBatch[]): Promise<void> {
    try {
      const broker = await this.parts.cluster.findBroker({ nodeId });
      const producer = await this.parts.producer(broker);
      await this.parts.prepare?.(batches);
      await this.produce(broker, producer, batches);
    } catch (error) {
      for (const batch of batches) this.refused(batch, error);
    }
  }

  private async produce(
    broker: KafkajsBroker,
    producer: ProducerState,
    given: readonly ProduceBatch[],
  ): Promise<void> {
    const batches = given.filter((batch) => this.mayBeSentBy(batch, producer));
    if (batches.length === 0 || systemClock.now() >= this.time.until) return;
    for (const batch of batches) {
      batch.isUnderWay = true;
      batch.sentBy = producer;
    }
    try {
      const { transactionalId, compression } = this.parts;
      const ms = this.time.until - systemClock.now();
      const request = { batches, producer, ms, transactionalId, compression };
      this.stored(batches, await broker.produce(produceRequest(request)));
    } catch (error) {
      if (refusals.isUnsendable(error)) {
        for (const batch of batches) batch.failed(error as Error);
      } else if (refusals.brokerWord(error) === undefined) {
        for (const batch of batches) this.unanswered(batch, error);
      } else if (batches.length === 1) {
        batches[0]!.isUnderWay = false;
        this.refused(batches[0]!, error);
      } else {
        // The answer says that one of them was refused, and not which: each is sent alone. Those that the
        // broker has stored it knows again.
        for (const batch of batches) await this.produce(broker, producer, [batch]);
      }
    }
  }

  /** A batch that another producer may have stored is not sent by this one: it would be there twice. */
  private mayBeSentBy(batch: ProduceBatch, producer: ProducerState): boolean {
    if (!batch.mayBeStored || batch.sentBy === producer) return true;
    batch.failed(new KafkaConnectionError('unknown', PUBLISHING, batch.cause));
    return false;
  }

  private stored(batches: readonly ProduceBatch[], { topics }: ProduceAnswer): void {
    for (const { topicName, partitions } of topics) {
      for (const { partition, baseOffset } of partitions) {
        const batch = batches.find((one) => one.partition === partition && one.topic === topicName);
        batch?.stored(Number(baseOffset));
      }
    }
  }

  private unanswered(batch: ProduceBatch, error: unknown): void {
    batch.isUnderWay = false;
    batch.isUnanswered ||= !refusals.isUnconnected(error);
    batch.cause = error;
    this.parts.leaders.stale();
  }

  /** The request with this batch alone was refused, or none could be made. */
  private refused(batch: ProduceBatch, error: unknown): void {
    batch.cause = error;
    const word = refusals.brokerWord(error);
    if (word === undefined) return this.parts.leaders.stale();
    const { renew, typed } = this.parts;
    if (refusals.isOfOneRecord(word) && batch.entries.length > 1) return batch.halve();
    if (refusals.isProducerLost(word) && renew && !batch.isUnanswered) {
      if (batch.sentBy) renew(batch.sentBy);
      return;
    }
    if (refusals.mayBeStored(word)) batch.isUnanswered = true;
    if (this.isPassing(word, error)) return this.parts.leaders.stale();
    // The broker may have stored it: to the same producer the next batch would look like a repetition.
    if (batch.isUnanswered && batch.sentBy) renew?.(batch.sentBy);
    batch.failed(
      batch.isUnanswered
        ? new KafkaConnectionError('unknown', PUBLISHING, error)
        : typed(error, PUBLISHING),
    );
  }

  private isPassing(word: string, error: unknown): boolean {
    if (word === 'UNKNOWN_TOPIC_OR_PARTITION') {
      return systemClock.now() - this.time.since < SPREADING;
    }
    return refusals.isPassing(error);
  }
}

/** The topic has no such partition, as far as the brokers know. */
class NoPartition extends Error {
  readonly type = 'UNKNOWN_TOPIC_OR_PARTITION';

  constructor({ topic, partition }: ProduceBatch) {
    super(`The topic ${topic} has no partition ${partition}`);
  }
}
