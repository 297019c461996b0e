import type { Redis } from 'ioredis';
import type { DelayHints } from '../../core/delays.js';
import { EventBus } from '../../core/events.js';
import { SlotPlace } from './cluster/slot-place.js';
import { slotOf } from './cluster/slots.js';
import type { Commands } from './commands.js';
import { Connection } from './connection.js';
import type { Connector } from './connector.js';
import type { Keys } from './keys.js';
import { isRefused } from './reply-errors.js';

export interface RedisDelayHintsOptions {
  readonly connector: Connector;
  readonly commands: Commands;
  readonly keys: Keys;
  readonly events: EventBus;
}

/** A connection, and the channels that it was asked to listen to. */
interface Listener {
  readonly client: Redis;
  readonly asked: Set<string>;
}

/**
 * Listens to scripts that tell of messages which are due sooner than the next look: see `DELAYING`.
 * One connection for all streams; on a cluster any node passes on what is said at any other. A hint
 * only: what is missed is found by looking. So the loss of the connection is nobody's concern.
 */
export class RedisDelayHints implements DelayHints {
  /** By their channels. */
  private readonly streams = new Map<string, string>();
  /** Channels that this user may not listen to. */
  private readonly refused = new Set<string>();
  private connection: Connection | undefined;
  private listener: Listener | undefined;
  private closed = false;

  constructor(
    private readonly options: RedisDelayHintsOptions,
    private readonly onScheduled: (stream: string) => void,
  ) {}

  follow(streams: readonly string[]): void {
    const channels = streams.map((stream) => this.options.keys.delays(stream).delayed);
    for (const [index, channel] of channels.entries()) this.streams.set(channel, streams[index]!);
    const channel = channels.find((one) => !this.refused.has(one));
    if (this.closed || channel === undefined) return;
    this.connection ??= this.open(channel);
    if (this.listener) void this.listenAlso(this.listener);
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.disconnect();
  }

  private open(channel: string): Connection {
    const { connector, commands } = this.options;
    const place = commands.topology && new SlotPlace(commands.topology, slotOf(channel));
    return new Connection({
      connector: place ? connector.at(() => place.locate()) : connector,
      role: 'hints',
      events: new EventBus(),
      replyTimeout: connector.commandTimeout,
      onConnected: (client) => this.begin(client),
    });
  }

  private async disconnect(): Promise<void> {
    const { connection } = this;
    this.connection = this.listener = undefined;
    await connection?.close();
  }

  /** @throws so that another connection is made, which listens to all of them */
  private async begin(client: Redis): Promise<void> {
    client.on('message', (channel: string) => {
      const stream = this.streams.get(channel);
      if (stream !== undefined) this.onScheduled(stream);
    });
    this.listener = { client, asked: new Set() };
    await this.listen(this.listener);
  }

  /** Where that fails, everything is listened to anew. */
  private async listenAlso(listener: Listener): Promise<void> {
    const { client } = listener;
    await this.listen(listener).catch(() => {
      if (client.status !== 'end') this.connection?.discard(client);
    });
  }

  private async listen({ client, asked }: Listener): Promise<void> {
    const channels = [...this.streams.keys()].filter(
      (channel) => !asked.has(channel) && !this.refused.has(channel),
    );
    for (const channel of channels) asked.add(channel);
    if (channels.length > 0) await this.subscribe(client, channels);
  }

  private async subscribe(client: Redis, channels: readonly string[]): Promise<void> {
    try {
      await client.subscribe(...channels);
    } catch (error) {
      if (!isRefused(error)) throw error;
      if (channels.length === 1) return this.doWithout(channels[0]!, error as Error);
      // It may be one of them alone.
      await Promise.all(channels.map((channel) => this.subscribe(client, [channel])));
      return;
    }
    // What was said meanwhile.
    for (const channel of channels) this.onScheduled(this.streams.get(channel)!);
  }

  private async doWithout(channel: string, { message }: Error): Promise<void> {
    const isFirst = this.refused.size === 0;
    this.refused.add(channel);
    // Where nothing can be heard, no connection is needed.
    if (this.refused.size === this.streams.size) await this.disconnect();
    if (!isFirst || this.closed) return;
    this.options.events.emit('warning', {
      code: 'NO_DELAY_HINTS',
      message:
        `Messages that are delayed by less than a second, by processes that end before they are due, ` +
        `may be a second late where this user may not listen, as to ${channel}: ${message}`,
    });
  }
}
