import type { DelayHints } from '../../../ports/delays.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { HintListener, Hints } from '../connection/hints.js';
import type { Keys } from '../keys/keys.js';

export interface RedisDelayHintsOptions {
  readonly hints: Hints;
  readonly keys: Keys;
  readonly events: EventBus;
}

/**
 * Listens to the hints of scripts that store a message which is due sooner than the next look: see
 * `DELAYING`.
 */
export class RedisDelayHints implements DelayHints, HintListener {
  /** Streams by the channels of their hints. */
  private readonly streams = new Map<string, string>();
  private warned = false;
  private closed = false;

  constructor(
    private readonly options: RedisDelayHintsOptions,
    private readonly onScheduled: (stream: string) => void,
  ) {}

  follow(streams: readonly string[]): void {
    if (this.closed) return;
    const channels = streams.map((stream) => this.options.keys.delays(stream).delayed);
    for (const [index, channel] of channels.entries()) this.streams.set(channel, streams[index]!);
    this.options.hints.listen(channels, this);
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.options.hints.forget([...this.streams.keys()], this);
  }

  heard(channel: string): void {
    this.onScheduled(this.streams.get(channel)!);
  }

  /** A message may have been stored before this process listened. */
  listening(channel: string): void {
    this.heard(channel);
  }

  refused(channel: string, { message }: Error): void {
    if (this.warned || this.closed) return;
    this.warned = true;
    this.options.events.emit('warning', {
      code: 'NO_DELAY_HINTS',
      message:
        `Messages that are delayed by less than a second, by processes that end before they are due, ` +
        `may be a second late where this user may not listen, as to ${channel}: ${message}`,
    });
  }
}
