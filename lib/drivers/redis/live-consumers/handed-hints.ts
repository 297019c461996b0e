import type { EventBus } from '../../../core/event-bus.js';
import type { HintListener, Hints } from '../connection/hints.js';
import type { Keys } from '../keys/keys.js';

/** Fetches entries of a stream that were handed to the consumer. */
export type OnHanded = (stream: string) => void;

/**
 * Connects consumers that are announced in this process with the subscriptions that read for them.
 */
export class HandedHints implements HintListener {
  /** Receivers by the channels of their consumers. */
  private readonly receivers = new Map<string, Set<OnHanded>>();
  /** Number of announced consumers of this process per channel: they may read different streams. */
  private readonly announcedHere = new Map<string, number>();
  private warned = false;

  constructor(private readonly options: { hints: Hints; keys: Keys; events: EventBus }) {}

  /** Listens for a consumer. @returns a function that ends it */
  listen(group: string, consumer: string): () => Promise<void> {
    const channel = this.options.keys.handedChannel(group, consumer);
    this.announcedHere.set(channel, (this.announcedHere.get(channel) ?? 0) + 1);
    this.options.hints.listen([channel], this);
    return () => this.unlisten(channel);
  }

  /**
   * @param onHanded called with each stream of which entries were handed to the consumer @returns a
   * function that ends it
   */
  follow(group: string, consumer: string, onHanded: OnHanded): () => void {
    const channel = this.options.keys.handedChannel(group, consumer);
    const receivers = this.receivers.get(channel) ?? new Set();
    this.receivers.set(channel, receivers.add(onHanded));
    return () => {
      receivers.delete(onHanded);
      if (receivers.size === 0) this.receivers.delete(channel);
    };
  }

  private async unlisten(channel: string): Promise<void> {
    const left = (this.announcedHere.get(channel) ?? 0) - 1;
    this.announcedHere.set(channel, left);
    if (left > 0) return;
    this.announcedHere.delete(channel);
    await this.options.hints.forget([channel], this);
  }

  heard(channel: string, stream: string): void {
    for (const onHanded of this.receivers.get(channel) ?? []) onHanded(stream);
  }

  refused(channel: string, { message }: Error): void {
    if (this.warned) return;
    this.warned = true;
    this.options.events.emit('warning', {
      code: 'NO_HAND_OVER_HINTS',
      message:
        `Messages that other consumers of a group hand over to this one wait until its next look, up ` +
        `to reclaimInterval, where this user may not listen, as to ${channel}: ${message}`,
    });
  }
}
