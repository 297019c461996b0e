import { systemClock } from '../../../core/clock.js';
import type { KafkaAdmin, KafkaRecord, ReadRecord } from '../connection/kafka-client.js';
import { LetterLog } from './letter-log.js';

/** Offsets of one chunk: one bit for each. */
const CHUNK = 1024;
const PARTITION = 0;
/** Begins the keys of notes of calls. */
const CALL = 'call-';
/** Notes of calls are of use until the call has learnt what was committed, in milliseconds. */
const CALL_LIVES = 3_600_000;

/**
 * Which offsets of a topic of dead letters have no dead letter any more. Kept in a compacted topic: a
 * record for each chunk of 1,024 offsets, whose value is a bit for each offset. In memory it has 128 bytes
 * per chunk. Calls that remove letters note there how many of their pages were committed.
 */
export class RemovedLetters {
  private readonly chunks = new Map<number, Buffer>();
  private readonly changed = new Set<number>();
  /** Pages that calls have committed, by the key of their note. */
  private readonly calls = new Map<string, { readonly pages: number; readonly at: number }>();
  private readonly changedCalls = new Set<string>();

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
  apply({ key, value, timestamp }: ReadRecord): void {
    const name = key?.toString() ?? '';
    if (name.startsWith(CALL)) return this.applyCall(name, value, timestamp);
    const chunk = name === '' ? NaN : Number(name);
    if (!Number.isSafeInteger(chunk)) return;
    if (value?.length === CHUNK / 8) this.chunks.set(chunk, Buffer.from(value));
    else this.chunks.delete(chunk);
  }

  has(offset: number): boolean {
    const bits = this.chunks.get(Math.floor(offset / CHUNK));
    const at = offset % CHUNK;
    return bits !== undefined && (bits[at >> 3]! & (1 << (at & 7))) !== 0;
  }

  /** The offset behind the last one that is removed. 0: none is. */
  get end(): number {
    let end = 0;
    for (const chunk of this.chunks.keys()) end = Math.max(end, (chunk + 1) * CHUNK);
    while (end > 0 && !this.has(end - 1)) end--;
    return end;
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

  /** How many pages of a call were committed. 0: none, or it was long ago. */
  pagesOf(call: string): number {
    return this.calls.get(CALL + call)?.pages ?? 0;
  }

  /** Notes so many pages of a call, and forgets calls that ended long ago. */
  notePages(call: string, pages: number): void {
    const at = systemClock.wallTime();
    for (const [name, old] of this.calls) {
      if (at - old.at > CALL_LIVES && this.calls.delete(name)) this.changedCalls.add(name);
    }
    this.calls.set(CALL + call, { pages, at });
    this.changedCalls.add(CALL + call);
  }

  /** The records that say what was added and noted since the last call. */
  takeChanges(topic: string): KafkaRecord[] {
    const place = { topic, partition: PARTITION };
    const chunks = Array.from(this.changed, (chunk) => {
      return { ...place, key: String(chunk), value: Buffer.from(this.chunks.get(chunk)!) };
    });
    const calls = Array.from(this.changedCalls, (key) => {
      const known = this.calls.get(key);
      return { ...place, key, value: known ? String(known.pages) : null };
    });
    this.changed.clear();
    this.changedCalls.clear();
    return [...chunks, ...calls];
  }

  /**
   * Forgets all where what is removed is not in a log with this end: another program has made the topic of dead
   * letters anew, and its offsets count from 0 again. Returns the records that say so.
   */
  forgetOthers(topic: string, high: number): KafkaRecord[] {
    return this.end > high ? this.forgetBelow(topic, Infinity) : [];
  }

  /** Forgets chunks whose offsets are all below this one. Returns the records that say so. */
  forgetBelow(topic: string, low: number): KafkaRecord[] {
    const old = [...this.chunks.keys()].filter((chunk) => (chunk + 1) * CHUNK <= low);
    for (const chunk of old) this.chunks.delete(chunk);
    return old.map((chunk) => ({ topic, partition: PARTITION, key: String(chunk), value: null }));
  }

  private applyCall(name: string, value: Buffer | null, at: number): void {
    if (value) this.calls.set(name, { pages: Number(value), at });
    else this.calls.delete(name);
  }
}
