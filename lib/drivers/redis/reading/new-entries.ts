import type { ReadRefusal } from '../../../core/read-trouble.js';
import type { EntrySizes } from '../held-entries/entry-sizes.js';
import type { HeldTable } from '../held-entries/held-table.js';
import type { ByteCapacity } from '../held-entries/read-budget.js';
import { RedisLease, type EntryHolder, type ReadKey } from '../held-entries/redis.lease.js';
import type { Adoption } from './adopt-unknown-entries.js';
import type { ReadBatch } from './read-window.js';
import { Reader, type ReaderOptions } from './reader.js';
import type { ReadyQueue } from './ready-queue.js';
import { ReplyBreaks } from './reply-breaks.js';
import { Takeover } from './takeover-before-reading.js';

export interface NewEntriesOptions extends Omit<
  ReaderOptions,
  'breaks' | 'onGroupMissing' | 'onUnreadable' | 'onReplyLost'
> {
  readonly holder: EntryHolder;
  readonly sizes: EntrySizes;
  readonly byteCapacity: ByteCapacity;
  readonly held: HeldTable;
  readonly readyQueue: ReadyQueue;
  readonly adoption: Adoption;
  /** The keys that the subscription reads. */
  readonly keys: () => readonly ReadKey[];
  /** Creates missing groups again, and leaves out keys that cannot be read. */
  readonly restoreKeys: () => Promise<void>;
}

/**
 * Fills the ready queue with new entries. Under guards all pending entries of the group come first.
 */
export class NewEntries {
  private readonly reader: Reader;
  /** Set under guards. */
  private readonly takeover: Takeover | undefined;
  private reading: Promise<void> | undefined;
  private stopped = false;

  constructor(private readonly options: NewEntriesOptions) {
    const { adoption, restoreKeys } = options;
    if (options.guards.length > 0) {
      this.takeover = new Takeover({ ...options, onGroupMissing: restoreKeys });
    }
    this.reader = new Reader({
      ...options,
      breaks: new ReplyBreaks(options),
      onGroupMissing: restoreKeys,
      onUnreadable: restoreKeys,
      onReplyLost: async (sources, sentAt) => {
        adoption.lostReplies.add(sources, sentAt);
        if (this.takeover) this.takeover.restart();
        else await adoption.adoptAll();
      },
    });
  }

  /** The entries of a stream are handed out in their order. */
  get isOrdered(): boolean {
    return this.takeover !== undefined;
  }

  /** Pending entries have to be handed out before any others. */
  get takesOver(): boolean {
    return this.takeover?.done === false;
  }

  /** Why the server refuses the reads. Undefined: it does not. */
  get refusal(): ReadRefusal | undefined {
    return this.reader.answers.refusal;
  }

  /** Waits for the first connection. @throws RedisConnectionError */
  open(timeout: number): Promise<void> {
    return this.reader.open(timeout);
  }

  /** Reads these keys from now on. */
  watch(keys: readonly ReadKey[]): void {
    this.reader.watch(keys);
  }

  /** Begins to read, unless a read is under way. The ready queue is woken at its end. */
  read(limit: number): void {
    this.reading ??= this.readOnce(limit);
  }

  /**
   * Entries may be pending to this consumer that are unknown here: under guards all are looked
   * through again.
   */
  restart(): void {
    this.takeover?.restart();
  }

  /** Begins no read, and waits for no retry, any more. */
  halt(): void {
    this.stopped = true;
    this.takeover?.stop();
  }

  /** Ends the read under way. Entries in its reply are still handed out. */
  async stop(): Promise<void> {
    this.halt();
    await this.reader.stop();
    await this.reading;
  }

  close(): Promise<void> {
    return this.reader.close();
  }

  private async readOnce(limit: number): Promise<void> {
    const { byteCapacity, sizes, keys, readyQueue, blockTimeout } = this.options;
    try {
      // Nearly always there is nothing to wait for: then the read is written before the entries of
      // the last one run.
      if (this.takeover?.done === false && !(await this.takeover.mayRead(keys()[0]!))) return;
      let bytes = byteCapacity.forRead(sizes.largest);
      if (bytes === 0) {
        await byteCapacity.untilMayRead(() => sizes.largest, blockTimeout);
        if (this.stopped) return;
        bytes = byteCapacity.forRead(sizes.largest);
        if (bytes === 0) return;
      }
      for (const batch of await this.reader.read({ entries: limit, bytes })) this.take(batch);
    } finally {
      this.reading = undefined;
      readyQueue.wake();
    }
  }

  private take({ source, entries }: ReadBatch): void {
    const { held, holder, readyQueue, sizes } = this.options;
    if (entries.length === 0) return;
    // In the order of their ids.
    const areNew = held.isNew(source, entries[0]![0]);
    let largest = 0;
    for (const [id, fields] of entries) {
      const known = areNew ? undefined : held.get(source, id);
      if (known) {
        // The group was recreated and has delivered the entry anew: the run goes on, under the new
        // count.
        known.attempt = 1;
        continue;
      }
      const lease = new RedisLease(holder, source, id, 1, true, fields);
      largest = Math.max(largest, lease.size);
      readyQueue.add(lease);
    }
    if (largest > 0) sizes.learn(source.key, largest);
  }
}
