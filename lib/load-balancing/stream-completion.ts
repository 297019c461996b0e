import { Backoff } from '../core/backoff.js';
import { sleep, type Clock } from '../core/clock.js';
import { StreamNotOwnedError, StreamUnsettledError } from '../core/errors/balancing.errors.js';
import type { EventBus } from '../core/event-bus.js';
import type { HeldStream } from '../core/held-stream.js';
import type { StreamOwner } from './stream-owner.js';

export interface StreamCompletionOptions {
  readonly streamOwner: StreamOwner;
  readonly clock: Clock;
  readonly events: EventBus;
}

/** Completes streams by name, because a caller or the last message of a stream asked for it. */
export class StreamCompletion {
  constructor(private readonly options: StreamCompletionOptions) {}

  /**
   * Completes a stream. May be called again, after an error and after success.
   * @throws StreamNotOwnedError; StreamUnsettledError where a message of the stream has begun and
   * is not settled
   */
  async complete(stream: string): Promise<void> {
    const { streamOwner } = this.options;
    const owned = streamOwner.owned.get(stream);
    if (owned) await streamOwner.complete(owned);
    else if (!streamOwner.hasCompleted(stream)) throw new StreamNotOwnedError(stream);
  }

  /**
   * Completes a stream whose last message is settled. Tries again after an error, until this
   * consumer owns the stream no longer, or has taken it anew.
   * @param completed the source has completed it together with its last message
   */
  async finished({ stream, token }: HeldStream, completed: boolean): Promise<void> {
    const { streamOwner, clock, events } = this.options;
    for (const backoff = new Backoff(); ;) {
      const owned = streamOwner.owned.get(stream);
      if (owned?.token !== token) return;
      try {
        return void (await streamOwner.complete(owned, completed));
      } catch (error) {
        if (error instanceof StreamNotOwnedError) return;
        // The source reports the stream as finished once more, when other consumers have settled
        // their messages.
        if (error instanceof StreamUnsettledError) return;
        events.emit('worker-error', { worker: 'completion of a stream', error: error as Error });
        await sleep(clock, backoff.next());
      }
    }
  }
}
