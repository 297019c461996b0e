import type { KafkaAdmin, KafkaRecord, ReadRecord } from '../connection/kafka-client.js';
import { LetterLog } from './letter-log.js';

/** Offsets of one chunk: one bit for each. */
const CHUNK = 1024;
const PARTITION = 0;

/**
 * Which offsets of a topic of dead letters have no dead letter any more. Kept in a compacted topic: a
 * record for each chunk of 1,024 offsets, whose value is a bit for each offset. In memory it has 128 bytes
 * per chunk.
 */
export class RemovedLetters {
  private readonly chunks = new Map<number, Buffer>();
  private readonly changed = new Set<number>();

  /** Reads all that the topic says. A topic that does not exist says that none was removed. */
  static async read(admin: KafkaAdmin, topic: string): Promise<RemovedLetters> {
    const removed = new RemovedLetters();
    const log = await LetterLog.open(admin, topic);
    if (!log) return removed;
    for await (const { records } of log.portions(log.low)) {
      for (const record of records) removed.apply(record);
    }
    return removed;
  }

  /** Takes over what a record of the topic says. Later records replace earlier ones. */
  apply({ key, value }: ReadRecord): void {
    const chunk = Number(key?.toString());
    if (!Number.isSafeInteger(chunk)) return;
    if (value?.length === CHUNK / 8) this.chunks.set(chunk, Buffer.from(value));
    else this.chunks.delete(chunk);
  }

  has(offset: number): boolean {
    const bits = this.chunks.get(Math.floor(offset / CHUNK));
    const at = offset % CHUNK;
    return bits !== undefined && (bits[at >> 3]! & (1 << (at & 7))) !== 0;
  }

  /** The lowest offset, this one or a higher one, that is not removed. */
  nextLeft(offset: number): number {
    let left = offset;
    while (this.has(left)) left++;
    return left;
  }

  add(offset: number): void {
    const chunk = Math.floor(offset / CHUNK);
    const at = offset % CHUNK;
    const bits = this.chunks.get(chunk) ?? Buffer.alloc(CHUNK / 8);
    bits[at >> 3]! |= 1 << (at & 7);
    this.chunks.set(chunk, bits);
    this.changed.add(chunk);
  }

  /** Adds all offsets from one up to another, without these. */
  addAll(from: number, to: number, without: ReadonlySet<number>): void {
    for (let offset = from; offset < to; offset++) if (!without.has(offset)) this.add(offset);
  }

  /** The records that say what was added since the last call. */
  takeChanges(topic: string): KafkaRecord[] {
    const records = Array.from(this.changed, (chunk) => {
      const value = Buffer.from(this.chunks.get(chunk)!);
      return { topic, partition: PARTITION, key: String(chunk), value };
    });
    this.changed.clear();
    return records;
  }

  /** Forgets chunks whose offsets are all below this one. Returns the records that say so. */
  forgetBelow(topic: string, low: number): KafkaRecord[] {
    const old = [...this.chunks.keys()].filter((chunk) => (chunk + 1) * CHUNK <= low);
    for (const chunk of old) this.chunks.delete(chunk);
    return old.map((chunk) => ({ topic, partition: PARTITION, key: String(chunk), value: null }));
  }
}
