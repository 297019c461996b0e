import type { AdminReport } from '../../core/admin-report.js';
import type { Codec } from '../../core/codecs/codec.js';
import type { DelayedRecord, DelayStore } from '../../ports/delays.js';
import { DUE_TIME, whenOf, type DueTime } from '../../options/due-time.js';
import { InvalidMessageError } from '../../core/errors/publishing.errors.js';
import { isoTime, type Metadata, type When } from '../../core/message.js';

import { names, refuse } from '../../core/option-schema/refuse.js';
import { PAGE_OPTIONS, type Page, type PageOptions } from '../../options/admin-options.js';

export type OnScheduled = (stream: string, when: When) => void;

/** A message that waits until it is due, decoded as far as the codec can. */
export interface DelayedMessage {
  /** The id that `publish` returned: `delayed-` and the id in the store. */
  readonly id: string;
  /** When the message will be published, ISO 8601. */
  readonly dueAt: string;
  /** Undefined where the message cannot be decoded. */
  readonly eventType: string | undefined;
  /** Undefined where the message cannot be decoded. */
  readonly payload: unknown;
  /** Empty where the message cannot be decoded. */
  readonly metadata: Metadata;
}

/** Lists, cancels and reschedules delayed messages. Injectable. */
export class DelayedMessages {
  /** @internal Injection tokens use this name, because a bundler may rename the class. */
  static readonly token: string = 'DelayedMessages';

  /** @internal @param onScheduled called with new due times */
  constructor(
    private readonly store: DelayStore,
    private readonly codec: Codec,
    private readonly onScheduled: OnScheduled,
    private readonly report: AdminReport,
  ) {}

  /**
   * Returns one page, the message that is due first at its head.
   * @param stream the stream that the messages will be published to
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
   * @returns true: the message waited, and will not be published; false: it has been published, or
   * does not exist
   * @throws InvalidOptionsError
   */
  async cancel(stream: string, id: string): Promise<boolean> {
    refuse(names({ stream, id }));
    return this.report.around({ action: 'delayed-messages.cancel', stream, details: { id } }, () =>
      this.store.cancel(stream, id),
    );
  }

  /**
   * Gives a message another due time. The message keeps its id.
   * @param due `{ delay }` in milliseconds from now, or `{ deliverAt }`; neither: at once
   * @returns true: the message waited, and has the new due time; false: it has been published, or
   * does not exist
   * @throws InvalidOptionsError, InvalidMessageError
   */
  async reschedule(stream: string, id: string, due: DueTime): Promise<boolean> {
    refuse(names({ stream, id }));
    if (!DUE_TIME.accepts(due)) throw new InvalidMessageError(DUE_TIME.problems(due).join('; '));
    const when = whenOf(due) ?? { in: 0 };
    const target = {
      action: 'delayed-messages.reschedule',
      stream,
      details: { id, when },
    } as const;
    const moved = await this.report.around(target, () => this.store.reschedule(stream, id, when));
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
