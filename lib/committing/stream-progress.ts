import type { Lease } from '../core/lease.js';
import type { ConsumerRecord } from './consumer-record.js';
import type { SettledFloor } from './settled-floor.js';

/** What a record will say. */
export interface Snapshot extends Pick<ConsumerRecord, 'lastMessageId' | 'retryCount'> {
  /** Undefined where the source is asked, or nothing is settled that precedes all the rest. */
  readonly offset: string | undefined;
}

export interface StreamProgressOptions {
  readonly stream: string;
  /** Undefined: the stream has no partitions. */
  readonly partition: string | undefined;
  /** Undefined: the source is asked how far the group is. */
  readonly floor: SettledFloor | undefined;
  /** @throws where the state store or the source cannot be reached */
  readonly write: (snapshot: Snapshot) => Promise<void>;
  /** Called after each write. `error`: it has failed. */
  readonly onOutcome: (progress: StreamProgress, error?: unknown) => void;
}

/** What one consumer has settled of a stream, or of a partition, and what of it is to be recorded. */
export class StreamProgress {
  readonly stream: string;
  readonly partition: string | undefined;
  readonly floor: SettledFloor | undefined;
  /** Something was settled since the last {@link take}. */
  changed = false;
  private lastId = '';
  private runs = 0;
  /** What is to be written next. */
  private due: Snapshot | undefined;
  private writing: Promise<void> | undefined;

  constructor(private readonly options: StreamProgressOptions) {
    this.stream = options.stream;
    this.partition = options.partition;
    this.floor = options.floor;
  }

  settled({ id, attempt }: Pick<Lease, 'id' | 'attempt'>): void {
    this.floor?.settled(id);
    this.lastId = id;
    this.runs = attempt;
    this.changed = true;
  }

  /** What is settled by now is to be written. */
  take(): void {
    if (!this.changed) return;
    this.changed = false;
    // A message that was acknowledged without a run has no runs.
    const retryCount = Math.max(0, this.runs - 1);
    this.due = { offset: this.floor?.position, lastMessageId: this.lastId, retryCount };
  }

  /** The consumer begins behind this id, and has settled nothing. Never rejects. */
  began(offset: string): Promise<void> {
    this.due = { offset, lastMessageId: '', retryCount: 0 };
    return this.write();
  }

  /** Writes what is to be written, one write at a time. Never rejects. */
  write(): Promise<void> {
    if (this.writing) return this.writing;
    return this.due ? (this.writing = this.writeDue()) : Promise.resolve();
  }

  /** There is something due, so it goes on after `writing` is set. */
  private async writeDue(): Promise<void> {
    try {
      while (this.due && (await this.writeOne(this.due)));
    } finally {
      this.writing = undefined;
    }
  }

  private async writeOne(due: Snapshot): Promise<boolean> {
    const { write, onOutcome } = this.options;
    this.due = undefined;
    try {
      await write(due);
    } catch (error) {
      // The next try writes this, unless there is something newer.
      this.due ??= due;
      onOutcome(this, error);
      return false;
    }
    onOutcome(this);
    return true;
  }
}
