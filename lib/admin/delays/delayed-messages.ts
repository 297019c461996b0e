import type { Codec } from '../../core/codecs/codec.js';
import type { DelayedRecord, DelayStore } from '../../ports/delays.js';
import { DUE_TIME, whenOf, type DueTime } from '../../options/due-time.js';
import { InvalidMessageError } from '../../core/errors/publishing.errors.js';
import { isoTime, type Metadata, type When } from '../../core/message.js';

import { names, refuse } from '../../core/declaring/refuse.js';
import { PAGE_OPTIONS, type Page, type PageOptions } from '../../options/admin-options.js';

export type OnScheduled = (stream: string, when: When) => void;

/** A message that waits, read as far as the codec can. */
export interface DelayedMessage {
  /** As `publish` answered it: `delayed-` and what the store calls it. */
  readonly id: string;
  /** When it is to be published, ISO 8601. */
  readonly dueAt: string;
  /** Undefined where it cannot be read. */
  readonly eventType: string | undefined;
  readonly payload: unknown;
  readonly metadata: Metadata;
}

/** Inspects, cancels and moves messages that are published later. Injectable. */
export class DelayedMessages {
  /** @internal Of its injection tokens, also where a bundler renames the class. */
  static readonly token: string = 'DelayedMessages';

  /** @internal @param onScheduled told of new due times */
  constructor(
    private readonly store: DelayStore,
    private readonly codec: Codec,
    private readonly onScheduled: OnScheduled,
  ) {}

  /**
   * One page, soonest first.
   * @param stream the stream that the messages are for
   * @throws InvalidOptionsError
   */
  async list(stream: string, page: PageOptions = {}): Promise<Page<DelayedMessage>> {
    refuse(names({ stream }), PAGE_OPTIONS.problems(page));
    const { items, next } = await this.store.list(stream, page.limit ?? 100, page.after);
    return {
      items: items.map((item) => this.view(item, stream)),
      ...(next !== undefined && { next }),
    };
  }

  /**
   * @returns true: it waited, and will not be published; false: it has been, or there is none
   * @throws InvalidOptionsError
   */
  async cancel(stream: string, id: string): Promise<boolean> {
    refuse(names({ stream, id }));
    return this.store.cancel(stream, id);
  }

  /**
   * Gives a message another due time. It keeps its id.
   * @param due `{ delay }` in ms from now, or `{ deliverAt }`; neither: at once
   * @returns true: it waited, and is due then; false: it has been published, or there is none
   * @throws InvalidOptionsError, InvalidMessageError
   */
  async reschedule(stream: string, id: string, due: DueTime): Promise<boolean> {
    refuse(names({ stream, id }));
    if (!DUE_TIME.accepts(due)) throw new InvalidMessageError(DUE_TIME.problems(due).join('; '));
    const when = whenOf(due) ?? { in: 0 };
    const moved = await this.store.reschedule(stream, id, when);
    if (moved) this.onScheduled(stream, when);
    return moved;
  }

  private view({ id, dueAt, fields }: DelayedRecord, stream: string): DelayedMessage {
    const common = { id, dueAt: isoTime(dueAt) };
    try {
      const { payload, metadata } = this.codec.decode(fields);
      const eventType = this.codec.eventType(fields, stream);
      return { ...common, eventType, payload, metadata: metadata ?? {} };
    } catch {
      return { ...common, eventType: undefined, payload: undefined, metadata: {} };
    }
  }
}
