import type { AdminReport } from '../../core/admin-report.js';
import type { Codec } from '../../core/codecs/codec.js';
import {
  type DeadLetter,
  type DeadLetterFilter,
  type DeadLetterQueue,
} from '../../ports/dead-letters.js';
import { filterProblems } from '../../options/dead-letter-filter.js';
import type { Metadata } from '../../core/message.js';
import { names, refuse } from '../../core/option-schema/refuse.js';
import { PAGE_OPTIONS, type Page, type PageOptions } from '../../options/admin-options.js';
import { selected } from './selected.js';
import { decodedView } from './decoded-view.js';

/** A dead letter with its message, decoded as far as the codec can. */
export interface DeadLetterView extends DeadLetter {
  /** Undefined where the entry cannot be decoded. */
  readonly eventType: string | undefined;
  /** Undefined where the entry cannot be decoded. */
  readonly payload: unknown;
  /** Empty where the entry cannot be decoded. */
  readonly metadata: Metadata;
}

/** Lists, redrives and purges dead letters. Injectable. */
export class DeadLetters {
  /** @internal Injection tokens use this name, because a bundler may rename the class. */
  static readonly token: string = 'DeadLetters';

  /** @internal */
  constructor(
    private readonly queue: DeadLetterQueue,
    private readonly codec: Codec,
    private readonly report: AdminReport,
  ) {}

  /**
   * Returns one page, oldest first.
   * @param stream the stream that the messages were published to
   * @throws InvalidOptionsError
   */
  async list(stream: string, page: PageOptions = {}): Promise<Page<DeadLetterView>> {
    refuse(names({ stream }), PAGE_OPTIONS.problems(page));
    const { items, next } = await this.queue.list(stream, page.limit ?? 100, page.after);
    return { items: items.map((item) => this.view(item)), ...(next !== undefined && { next }) };
  }

  /** @throws InvalidOptionsError */
  async get(stream: string, deadLetterId: string): Promise<DeadLetterView | undefined> {
    refuse(names({ stream, deadLetterId }));
    const found = await this.queue.get(stream, deadLetterId);
    return found && this.view(found);
  }

  /**
   * Hands messages back to the group that gave them up, and to no other group. They keep their
   * original stream and id, and their attempts count from the beginning. Consumers of the group
   * read them within `reclaimInterval`.
   * @param which `{ ids }`, `{ group }`, both, or `{ all: true }`
   * @returns how many were redriven; ids that exist no more, or belong to another group, do not
   * count
   * @throws InvalidOptionsError for the filter `{}`, for a misspelt one, and for an invalid id
   */
  async redrive(stream: string, which: DeadLetterFilter): Promise<number> {
    refuse(names({ stream }), filterProblems(which));
    return this.report.around({ action: 'dead-letters.redrive', ...selected(stream, which) }, () =>
      this.queue.redrive(stream, which),
    );
  }

  /**
   * Deletes dead letters for good.
   * @param which `{ ids }`, `{ group }`, both, or `{ all: true }`
   * @returns how many were deleted; ids that exist no more, or belong to another group, do not
   * count
   * @throws InvalidOptionsError for the filter `{}`, for a misspelt one, and for an invalid id
   */
  async purge(stream: string, which: DeadLetterFilter): Promise<number> {
    refuse(names({ stream }), filterProblems(which));
    return this.report.around({ action: 'dead-letters.purge', ...selected(stream, which) }, () =>
      this.queue.purge(stream, which),
    );
  }

  private view(item: DeadLetter): DeadLetterView {
    return decodedView(this.codec, item);
  }
}
