import type { Lease } from '../../../core/lease.js';
import type { Fields } from '../../../core/message.js';
import { messageId } from '../ids/message-ids.js';
import { withOwnMemory } from './own-memory.js';
import type { HeldLease, LeasedPartition, WaitingRecord } from './leased-partition.js';

/** Reads the fields of a record, and its key where that is text. */
export type DecodeRecord = (
  stream: string,
  record: WaitingRecord['record'],
) => { readonly fields: Fields; readonly key?: string | undefined };

/** A lease of one entry of a partition. */
export class KafkaLease implements Lease, HeldLease {
  readonly stream: string;
  readonly id: string;
  readonly publishedAt: number;
  readonly partition: string;
  readonly key: string | undefined;
  readonly redriven: boolean;
  readonly redrive: number | undefined;
  readonly moved: { readonly runs: number } | undefined;
  fields: Fields | undefined;
  attempt: number;
  charged: boolean;
  finishing = false;
  overrun: Promise<unknown> | undefined;
  /** The entry was settled or given back by this lease, or forgotten. */
  isOver = false;
  /** The lease is over since its message went to a retry topic. */
  isMovedAside = false;

  constructor(
    readonly state: LeasedPartition,
    public waiting: WaitingRecord,
    runs: number,
    private readonly decode: DecodeRecord,
  ) {
    const { origin, offset, record, timestamp } = waiting;
    const { place } = state;
    this.stream = origin?.stream ?? place.stream;
    this.id = origin?.id ?? messageId(place.partition, offset);
    this.publishedAt = origin?.publishedAt ?? timestamp;
    this.partition = partitionIn(this.id);
    this.redriven = origin?.redriven ?? false;
    this.redrive = origin?.redrive;
    this.moved = origin && { runs: origin.attempts };
    const { fields, key } = decode(this.stream, record);
    this.fields = fields;
    this.key = key;
    this.attempt = (origin?.attempts ?? 0) + runs;
    this.charged = false;
  }

  keepAlone(): void {
    const record = withOwnMemory(this.record);
    if (record !== this.record) this.waiting = { ...this.waiting, record };
  }

  /** Forgets the fields until `readAgain`. */
  forgetFields(): void {
    this.fields = undefined;
  }

  readAgain(): void {
    this.fields ??= this.decode(this.stream, this.record).fields;
  }

  /** Leases of one partition are settled together. */
  get lane(): LeasedPartition {
    return this.state;
  }

  get offset(): number {
    return this.waiting.offset;
  }

  get bytes(): number {
    return this.waiting.bytes;
  }

  /** The record as it was published, exactly. */
  get record(): WaitingRecord['record'] {
    return this.waiting.record;
  }

  get group(): string {
    return this.state.place.group;
  }

  /** Runs that were counted by the partition that is read: without those before a retry topic. */
  get runsHere(): number {
    return this.attempt - (this.waiting.origin?.attempts ?? 0);
  }
}

const partitionIn = (id: string): string => id.slice(0, id.indexOf('-'));
