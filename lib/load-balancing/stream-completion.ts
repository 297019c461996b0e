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
   * @param completed the source has completed it together with its last message
   * @throws StreamNotOwnedError; StreamUnsettledError where a message of the stream has begun and
   * is not settled
   */
  async complete(stream: string, completed = false): Promise<void> {
    const { streamOwner } = this.options;
    const owned = streamOwner.owned.get(stream);
    if (owned) await streamOwner.complete(owned, completed);
    else if (!streamOwner.hasCompleted(stream)) throw new StreamNotOwnedError(stream);
  }

  /** Completes a stream whose last message is settled. Tries again after an error. */
  async finished({ stream }: HeldStream, completed: boolean): Promise<void> {
    const { clock, events } = this.options;
    for (const backoff = new Backoff(); ;) {
      try {
        return await this.complete(stream, completed);
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
