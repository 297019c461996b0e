import { Backoff } from '../../../core/backoff.js';
import { sleep, systemClock } from '../../../core/clock.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { Guard } from '../../../core/guard.js';
import type { Adoption } from './adopt-unknown-entries.js';
import type { Commands } from '../connection/commands.js';
import type { ByteCapacity } from '../held-entries/read-budget.js';
import type { ReadKey } from '../held-entries/redis.lease.js';
import { isGroupMissing } from '../errors/reply-errors.js';
import { takePending } from '../held-entries/take-pending.script.js';

/** Most entries taken over at once. */
const PAGE = 200;

export interface TakeoverOptions {
  readonly commands: Commands;
  readonly events: EventBus;
  readonly adoption: Adoption;
  readonly byteCapacity: ByteCapacity;
  readonly group: string;
  readonly consumer: string;
  readonly guards: readonly Guard[];
  readonly blockTimeout: number;
  readonly onDisowned: () => void;
  readonly onGroupMissing: () => Promise<void>;
}

/**
 * Takes over all pending entries of a group in a stream, oldest first, before any new entry is
 * read.
 */
export class Takeover {
  private after: string | undefined;
  private finished = false;
  private readonly stopping = new AbortController();
  private readonly backoff = new Backoff();

  constructor(private readonly options: TakeoverOptions) {}

  /** All pending entries are known here. */
  get done(): boolean {
    return this.finished;
  }

  /**
   * Entries may be pending to this consumer that are unknown here: looks through all of them again.
   */
  restart(): void {
    this.after = undefined;
    this.finished = false;
  }

  /**
   * @returns whether new entries may be read now; otherwise some were taken over, or there was an
   * obstacle
   */
  async mayRead(source: ReadKey): Promise<boolean> {
    if (this.finished) return true;
    try {
      const found = await this.next(source);
      this.backoff.reset();
      if (found !== undefined) return found === 0 && this.finished;
      this.options.onDisowned();
      await sleep(systemClock, this.options.blockTimeout, this.stopping.signal);
    } catch (error) {
      await this.recover(error as Error);
    }
    return false;
  }

  /** Ends all waits. */
  stop(): void {
    this.stopping.abort();
  }

  private async recover(error: Error): Promise<void> {
    const { events, onGroupMissing } = this.options;
    const missing = isGroupMissing(error.cause);
    if (!missing) events.emit('worker-error', { worker: 'takeover', error });
    await sleep(systemClock, this.backoff.next(), this.stopping.signal);
    if (missing && !this.stopping.signal.aborted) await onGroupMissing();
  }

  /**
   * Goes on until some entries were found, or all were looked at.
   * @returns how many entries were found; undefined where a guard does not hold
   */
  private async next(source: ReadKey): Promise<number | undefined> {
    const { commands, events, adoption, byteCapacity, group, consumer, guards } = this.options;
    const { key, stream } = source;
    while (!this.finished) {
      const { after } = this;
      const take = { key, group, consumer, guards, after, count: PAGE };
      const page = await commands.run(
        'taking over what is pending',
        (client) => takePending(client, take),
        key,
      );
      if (!page) return undefined;
      const entries = await adoption.lostReplies.takeBackGuarded(source, page);
      const { count, rest } = await adoption.hold(source, entries, byteCapacity.ofTakeover);
      // The takeover was restarted meanwhile.
      if (after !== this.after) continue;
      // Entries that did not fit are taken over again when there is room, in their order.
      const [next] = rest;
      const done = next ? page.findIndex(({ id }) => id === next.id) : page.length;
      this.after = page[done - 1]?.id ?? after;
      this.finished = page.length < PAGE && rest.length === 0;
      if (this.finished) adoption.lostReplies.foundAll(source);
      if (count === 0) continue;
      events.emit('reclaimed', { stream, group, count });
      return count;
    }
    return 0;
  }
}
