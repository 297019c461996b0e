import { chunksOf } from '../../../core/collections/chunks.js';
import type { KafkaAdmin, ReadRecord } from '../connection/kafka-client.js';
import { isReply } from '../errors/kafka-reply.error.js';
import { LETTERS } from './letter-record.js';

/** Bytes of one read. */
const READ = 1024 * 1024;
/** Bytes of one read for a single record. One that is larger is read whole. */
const READ_ONE = 64 * 1024;
/** Most records of one portion. */
const MOST = 500;

/** Records of a range of offsets, in order. */
export interface Portion {
  /** What the range begins with, and the offset behind it. Some of its offsets may have no record. */
  readonly from: number;
  readonly to: number;
  readonly records: readonly ReadRecord[];
}

/** Reads a topic of dead letters, or the one that says which were removed, without a group. */
export class LetterLog {
  private constructor(
    private readonly admin: KafkaAdmin,
    private readonly topic: string,
    /** The first offset, and the one behind the last. */
    readonly low: number,
    readonly high: number,
  ) {}

  /** Undefined: the topic does not exist. */
  static async open(admin: KafkaAdmin, topic: string): Promise<LetterLog | undefined> {
    try {
      const partitions = await admin.offsets(topic);
      const { low, high } = partitions.find(({ partition }) => partition === LETTERS)!;
      return new LetterLog(admin, topic, low, high);
    } catch (error) {
      if (isReply(error, 'UNKNOWN_TOPIC_OR_PARTITION')) return undefined;
      throw error;
    }
  }

  /**
   * The records that were there when the log was opened, from this offset on, in portions.
   * @param skipTo returns the offset at which to go on, for the one that is next
   */
  async *portions(
    from: number,
    skipTo: (offset: number) => number = (offset) => offset,
  ): AsyncGenerator<Portion> {
    let at = Math.max(skipTo(from), this.low);
    while (at < this.high) {
      const { records, next } = await this.admin.read(this.topic, LETTERS, at, READ);
      // What follows belongs to a transaction that is not over yet.
      if (next <= at) return;
      yield* portionsOf(at, Math.min(next, this.high), records);
      at = skipTo(next);
    }
  }

  /** The records with these offsets that there are, in portions. The offsets ascend. */
  async *find(offsets: readonly number[]): AsyncGenerator<readonly ReadRecord[]> {
    const inside = offsets.filter((offset) => offset >= this.low && offset < this.high);
    for (const some of chunksOf(inside, MOST)) {
      for (let left = some; left.length > 0;) {
        const first = left[0]!;
        const { records, next } = await this.admin.read(this.topic, LETTERS, first, READ_ONE);
        const wanted = new Set(left);
        yield records.filter(({ offset }) => wanted.has(offset));
        left = left.filter((offset) => offset >= Math.max(next, first + 1));
      }
    }
  }
}

/** The records of a range, each in one of these portions. The portions have all of the range. */
function portionsOf(from: number, to: number, records: readonly ReadRecord[]): Portion[] {
  const parts = chunksOf(
    records.filter(({ offset }) => offset < to),
    MOST,
  );
  if (parts.length === 0) return [{ from, to, records: [] }];
  const firstOf = (at: number): number | undefined => parts[at]?.[0]!.offset;
  return parts.map((part, at) => ({
    from: at === 0 ? from : firstOf(at)!,
    to: firstOf(at + 1) ?? to,
    records: part,
  }));
}
