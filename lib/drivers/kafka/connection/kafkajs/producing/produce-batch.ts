import type { KafkaRecord } from '../../kafka-client.js';
import type { ProducerState } from './producer-state.js';

/** What errors of sending call it. */
export const PUBLISHING = 'publishing';

/** What became of a record: its offset, or why it has none. */
export type Outcome = number | Error;

/** A record with its place among all of a call. */
export interface Placed {
  readonly record: KafkaRecord;
  readonly at: number;
}

/** Records that go to a partition as one. The broker stores all of them, or none. */
export class ProduceBatch {
  isSettled = false;
  /** A request with it may be on its way. */
  isUnderWay = false;
  /** A request with it had no answer. */
  isUnanswered = false;
  /** The producer that has sent it first: for another one it would be a batch of its own. */
  sentBy: ProducerState | undefined;
  /** Why the last request with it failed. */
  cause: unknown;
  private halves: ProduceBatch[] = [];

  constructor(
    readonly topic: string,
    readonly partition: number,
    readonly entries: readonly Placed[],
    private readonly outcomes: Outcome[],
  ) {}

  /** Whether the broker may have stored it. */
  get mayBeStored(): boolean {
    return this.isUnderWay || this.isUnanswered;
  }

  /** The first part, in the order of the records, that is not settled. A batch has parts once it is halved. */
  firstOpen(): ProduceBatch | undefined {
    if (this.isSettled) return undefined;
    if (this.halves.length === 0) return this;
    for (const half of this.halves) {
      const open = half.firstOpen();
      if (open) return open;
    }
    return undefined;
  }

  stored(baseOffset: number): void {
    this.isSettled = true;
    this.sentBy?.advance(this.topic, this.partition, this.entries.length);
    this.entries.forEach(({ at }, index) => (this.outcomes[at] = baseOffset + index));
  }

  failed(error: Error): void {
    this.isSettled = true;
    for (const { at } of this.entries) this.outcomes[at] = error;
  }

  /** Sends its records in two parts from now on. */
  halve(): void {
    const middle = Math.ceil(this.entries.length / 2);
    this.halves = [this.entries.slice(0, middle), this.entries.slice(middle)].map(
      (half) => new ProduceBatch(this.topic, this.partition, half, this.outcomes),
    );
  }
}
