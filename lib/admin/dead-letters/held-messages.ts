import type { AdminReport } from '../../core/admin-report.js';
import type { Codec } from '../../core/codecs/codec.js';
import type { Metadata } from '../../core/message.js';
import { names, refuse } from '../../core/option-schema/refuse.js';
import { PAGE_OPTIONS, type Page, type PageOptions } from '../../options/admin-options.js';
import { heldFilterProblems } from '../../options/dead-letter-filter.js';
import type { HeldEntries, HeldEntry, HeldFilter } from '../../ports/held-entries.js';
import { selected } from './selected.js';
import { decodedView } from './decoded-view.js';

/** A message on hold, decoded as far as the codec can. */
export interface HeldMessage extends HeldEntry {
  /** Undefined where the entry cannot be decoded. */
  readonly eventType: string | undefined;
  /** Undefined where the entry cannot be decoded. */
  readonly payload: unknown;
  /** Empty where the entry cannot be decoded. */
  readonly metadata: Metadata;
}

/** Lists, releases and purges messages on hold: those of handlers with `deadLetter: 'hold'`. Injectable. */
export class HeldMessages {
  /** @internal Injection tokens use this name, because a bundler may rename the class. */
  static readonly token: string = 'HeldMessages';

  /** @internal */
  constructor(
    private readonly entries: HeldEntries,
    private readonly codec: Codec,
    private readonly report: AdminReport,
  ) {}

  /**
   * Returns one page, in the order of the stream; redriven messages come last.
   * @throws InvalidOptionsError
   */
  async list(stream: string, group: string, page: PageOptions = {}): Promise<Page<HeldMessage>> {
    refuse(names({ stream, group }), PAGE_OPTIONS.problems(page));
    const { items, next } = await this.entries.list(stream, group, page.limit ?? 100, page.after);
    const views = items.map((item) => decodedView(this.codec, item));
    return { items: views, ...(next !== undefined && { next }) };
  }

  /**
   * Hands messages back to their group. They keep their stream and id, and their attempts count from
   * the beginning. A consumer of the group, any one, reads them within `reclaimInterval`.
   * @param which `{ ids }` of `heldId`, `{ group }`, or both
   * @returns how many were released; ids that are not on hold any more, or belong to another group,
   * do not count
   * @throws InvalidOptionsError for the filter `{}`, for a misspelt one, and for an invalid id
   */
  async release(stream: string, which: HeldFilter): Promise<number> {
    refuse(names({ stream }), heldFilterProblems(which));
    return this.report.around({ action: 'held-messages.release', ...selected(stream, which) }, () =>
      this.entries.release(stream, which),
    );
  }

  /**
   * Gives messages up for good: acknowledges them, and stores nothing of them.
   * @param which `{ ids }` of `heldId`, `{ group }`, or both
   * @returns how many were acknowledged; ids that are not on hold any more, or belong to another
   * group, do not count
   * @throws InvalidOptionsError as `release`
   */
  async purge(stream: string, which: HeldFilter): Promise<number> {
    refuse(names({ stream }), heldFilterProblems(which));
    return this.report.around({ action: 'held-messages.purge', ...selected(stream, which) }, () =>
      this.entries.purge(stream, which),
    );
  }
}
