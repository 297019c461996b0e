import type { IdFormat } from '../ports/id-format.js';
import { BEGINNING } from './consumer-record.js';

/**
 * Follows up to which id everything is settled, for a source that cannot tell. Entries are handed out
 * in the order of their ids.
 */
export class SettledFloor {
  /** The entries that are not settled, in their order, each with the id that was handed out before it. */
  private readonly unsettled = new Map<string, string | undefined>();

  /** @param newest the id behind which the source began. Undefined: at the beginning of the stream */
  constructor(
    private readonly ids: IdFormat,
    private newest: string | undefined,
  ) {}

  /** An entry that comes again is known, or was settled before. */
  handedOut(id: string): void {
    const { newest } = this;
    const isFirst = newest === undefined || newest === BEGINNING;
    if (!isFirst && this.ids.compare(id, newest) <= 0) return;
    this.unsettled.set(id, newest);
    this.newest = id;
  }

  settled(id: string): void {
    this.unsettled.delete(id);
  }

  /** Undefined: nothing is settled that precedes all unsettled entries. */
  get position(): string | undefined {
    for (const before of this.unsettled.values()) return before;
    return this.newest;
  }
}
