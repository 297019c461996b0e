import { InvalidOptionsError } from '../../core/errors/start-up.errors.js';
import type { DeadLetterReason } from '../../core/settlement.js';
import { checkedDelay } from './checked-delay.js';
import type { StreamBatchContext, StreamBatchItem } from './stream-batch.context.js';

/** The id of a message of the batch, or its index in the array of payloads. */
type BatchPlace = string | number;

/**
 * What becomes of single messages of a batch, as the return value of its handler. All others are
 * acknowledged.
 *
 * ```ts
 * return new BatchResult().retry(3, 5_000).deadLetter(message.id, 'no-such-customer');
 * ```
 */
export class BatchResult {
  private readonly wishes: { place: BatchPlace; wish: (item: StreamBatchItem) => void }[] = [];

  /**
   * Asks for another run in a later batch, in `ms` milliseconds at the earliest.
   * @param place id of the message, or its index in the array of payloads
   * @throws InvalidOptionsError
   */
  retry(place: BatchPlace, ms: number): this {
    const delay = checkedDelay('BatchResult.retry', ms);
    return this.wish(place, (item) => item.retry(delay));
  }

  /**
   * Asks for a message to be dead-lettered with this reason.
   * @param place id of the message, or its index in the array of payloads
   */
  deadLetter(place: BatchPlace, reason: DeadLetterReason): this {
    return this.wish(place, (item) => item.deadLetter(reason));
  }

  /**
   * Asks for a message to be acknowledged.
   * @param place id of the message, or its index in the array of payloads
   */
  ack(place: BatchPlace): this {
    return this.wish(place, (item) => item.ack());
  }

  /**
   * @internal
   * @throws InvalidOptionsError where it names a message that is not in the batch: nothing is done
   * then
   */
  carryOut({ items }: StreamBatchContext): void {
    const found = this.wishes.map(({ place }) =>
      typeof place === 'number' ? items[place] : items.find(({ id }) => id === place),
    );
    const missing = this.wishes.filter((_, index) => !found[index]);
    if (missing.length > 0) {
      throw new InvalidOptionsError(
        missing.map(({ place }) => `BatchResult: the batch has no message ${String(place)}`),
      );
    }
    for (const [index, { wish }] of this.wishes.entries()) wish(found[index]!);
  }

  private wish(place: BatchPlace, wish: (item: StreamBatchItem) => void): this {
    this.wishes.push({ place, wish });
    return this;
  }
}
