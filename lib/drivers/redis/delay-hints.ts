import type { Redis } from 'ioredis';
import type { DelayHints } from '../../core/delays.js';
import { EventBus } from '../../core/events.js';
import { SlotPlace } from './cluster/slot-place.js';
import { slotOf } from './cluster/slots.js';
import type { Commands } from './commands.js';
import { Connection } from './connection.js';
import type { Connector } from './connector.js';
import type { Keys } from './keys.js';

export interface RedisDelayHintsOptions {
  readonly connector: Connector;
  readonly commands: Commands;
  readonly keys: Keys;
  readonly events: EventBus;
}

/**
 * Listens to scripts that tell of messages which are due sooner than the next look: see `DELAYING`.
 * One connection for all streams; on a cluster any node passes on what is said at any other. A hint
 * only: what is missed is found by looking. So the loss of the connection is nobody's concern.
 */
export class RedisDelayHints implements DelayHints {
  private readonly streams = new Map<string, string>();
  private connection: Connection | undefined;
  private closed = false;

  constructor(
    private readonly options: RedisDelayHintsOptions,
    private readonly onScheduled: (stream: string) => void,
  ) {}

  follow(streams: readonly string[]): void {
    const added = streams.map((stream) => this.options.keys.delays(stream).delayed);
    for (const [index, channel] of added.entries()) this.streams.set(channel, streams[index]!);
    if (this.closed || added.length === 0) return;
    this.connection ??= this.open(added[0]!);
    const { current } = this.connection;
    if (current) void this.listen(current, added);
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.connection?.close();
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

  private async begin(client: Redis): Promise<void> {
    client.on('message', (channel: string) => {
      const stream = this.streams.get(channel);
      if (stream !== undefined) this.onScheduled(stream);
    });
    await this.listen(client, [...this.streams.keys()]);
    // What was said meanwhile.
    for (const stream of this.streams.values()) this.onScheduled(stream);
  }

  private async listen(client: Redis, channels: readonly string[]): Promise<void> {
    try {
      await client.subscribe(...channels);
    } catch (error) {
      // Somebody without this right does without, and needs no connection for it.
      if (!(error as Error).message.startsWith('NOPERM') || this.closed) return;
      await this.close();
      this.options.events.emit('warning', {
        code: 'NO_DELAY_HINTS',
        message:
          `Messages that are delayed by less than a second, by processes that end before they are due, ` +
          `may be a second late, as this user may not listen: ${(error as Error).message}`,
      });
    }
  }
}
