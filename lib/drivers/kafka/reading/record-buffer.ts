import { Fifo } from '../../../core/collections/fifo.js';
import type { ReadRecord } from '../connection/kafka-client.js';
import type { WaitingRecord } from '../partitions/leased-partition.js';
import { bytesOf } from './record-bytes.js';

/** Records of one partition that were read and not handed out yet. Batches are kept as they came. */
export class RecordBuffer {
  private readonly batches = new Fifo<readonly ReadRecord[]>();
  /** Of the first batch: how many records were taken. */
  private taken = 0;
  /** Records that were given back, lowest offset first: they go before all others. */
  private readonly again: WaitingRecord[] = [];
  private count = 0;
  private held = 0;

  get size(): number {
    return this.count;
  }

  get bytes(): number {
    return this.held;
  }

  add(records: readonly ReadRecord[]): void {
    if (records.length === 0) return;
    this.batches.add(records);
    this.count += records.length;
    for (const record of records) this.held += bytesOf(record);
  }

  addAgain(waiting: WaitingRecord): void {
    const at = this.again.findIndex(({ offset }) => offset > waiting.offset);
    this.again.splice(at < 0 ? this.again.length : at, 0, waiting);
    this.count++;
    this.held += waiting.bytes;
  }

  take(): WaitingRecord | undefined {
    const waiting = this.again.shift() ?? this.takeNew();
    if (!waiting) return undefined;
    this.count--;
    this.held -= waiting.bytes;
    return waiting;
  }

  /**
   * Forgets what was read, and keeps what was given back. Returns the offset of the first that is forgotten:
   * undefined where there was none.
   */
  dropRead(): number | undefined {
    const offset = this.batches.first?.[this.taken]?.offset;
    const { again } = this;
    const kept = [...again];
    this.clear();
    for (const waiting of kept) this.addAgain(waiting);
    return offset;
  }

  /** Forgets all. */
  clear(): void {
    this.batches.takeAll();
    this.again.length = 0;
    this.taken = this.count = this.held = 0;
  }

  private takeNew(): WaitingRecord | undefined {
    const { first } = this.batches;
    if (!first) return undefined;
    const record = first[this.taken++]!;
    if (this.taken === first.length) {
      this.batches.take();
      this.taken = 0;
    }
    const { offset, timestamp } = record;
    return { offset, timestamp, record, bytes: bytesOf(record) };
  }
}
