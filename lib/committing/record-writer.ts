import { StateContendedError } from '../core/errors/state-store.errors.js';
import type { IdFormat } from '../ports/id-format.js';
import type { StateStore } from '../ports/state-store.js';
import { BEGINNING, recordOfText, textOfRecord, type ConsumerRecord } from './consumer-record.js';

/** How often a record is tried while other consumers write it at the same time. */
const MOST_TRIES = 10;

/**
 * Writes one record. Its offset never goes back: a consumer that was frozen, and writes after its
 * successor, changes nothing.
 */
export class RecordWriter {
  /** The text that the store had last. */
  private known: string | undefined;

  constructor(
    private readonly store: StateStore,
    private readonly ids: IdFormat,
    private readonly key: string,
  ) {}

  /**
   * @param make returns the record as of now, or undefined where there is nothing to write. Called
   * again for each try, because another consumer may have come further meanwhile
   * @returns false where there is nothing to write, or the stored record is ahead
   * @throws StateContendedError where other consumers were faster at every try; what the store throws
   */
  async write(make: () => Promise<ConsumerRecord | undefined>): Promise<boolean> {
    const { store, key } = this;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const record = await make();
      if (!record) return false;
      const behind = this.isBehind(record);
      if (!behind) {
        const text = textOfRecord(record);
        if (await store.compareAndSet(key, this.known, text)) {
          this.known = text;
          return true;
        }
      }
      const stored = await store.get(key);
      if (behind && stored === this.known) return false;
      this.known = stored;
    }
    throw new StateContendedError(key, MOST_TRIES);
  }

  private isBehind(record: ConsumerRecord): boolean {
    const { ids, known } = this;
    const stored = known === undefined ? undefined : recordOfText(known);
    // A record with the ids of another technology says nothing about this source.
    if (!stored || stored.offset === BEGINNING || !ids.accepts(stored.offset)) return false;
    if (record.offset === BEGINNING) return true;
    return ids.compare(record.offset, stored.offset) < 0;
  }
}
