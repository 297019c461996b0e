import type { Redis } from 'ioredis';
import { EventBus } from '../../../core/event-bus.js';
import { SlotPlace } from '../topology/slot-place.js';
import { slotOf } from '../topology/slots.js';
import type { Commands } from './commands.js';
import { Connection } from './connection.js';
import type { Connector } from './connector.js';
import { isRefused } from '../errors/reply-errors.js';

/** Listens to some channels. */
export interface HintListener {
  /** A message arrived on a channel. */
  heard(channel: string, message: string): void;
  /** This process listens to the channel from now on. Earlier messages were not heard. */
  listening?(channel: string): void;
  /** The user may not listen to the channel. Called once for each channel. */
  refused(channel: string, error: Error): void;
}

/** A connection, and the channels to which it was asked to subscribe. */
interface Line {
  readonly client: Redis;
  readonly asked: Set<string>;
}

/**
 * Listens to the messages that scripts publish, on one connection for all channels of a driver. On
 * a cluster each node passes on the messages of all others. These are hints only: looking finds
 * what was missed, so the loss of the connection is not reported.
 */
export class Hints {
  private readonly listeners = new Map<string, Set<HintListener>>();
  /** Channels that this user may not listen to. */
  private readonly refused = new Map<string, Error>();
  private connection: Connection | undefined;
  /** Not shown by `inspect`: clients know the password. */
  #line: Line | undefined;
  private closed = false;

  constructor(private readonly options: { connector: Connector; commands: Commands }) {}

  listen(channels: readonly string[], listener: HintListener): void {
    if (this.closed) return;
    for (const channel of channels) this.add(channel, listener);
    const channel = channels.find((one) => !this.refused.has(one));
    if (channel === undefined) return;
    this.connection ??= this.open(channel);
    if (this.#line) void this.listenAlso(this.#line);
  }

  /** The connection stays while another channel is listened to. */
  async forget(channels: readonly string[], listener: HintListener): Promise<void> {
    for (const channel of channels) {
      const left = this.listeners.get(channel);
      left?.delete(listener);
      if (left?.size === 0) this.listeners.delete(channel);
    }
    await this.disconnectIfIdle();
  }

  async close(): Promise<void> {
    this.closed = true;
    this.listeners.clear();
    await this.disconnectIfIdle();
  }

  private add(channel: string, listener: HintListener): void {
    const known = this.listeners.get(channel);
    if (!known) this.listeners.set(channel, new Set([listener]));
    else if (known.has(listener)) return;
    else known.add(listener);
    const refusal = this.refused.get(channel);
    if (refusal) listener.refused(channel, refusal);
    else if (this.#line?.asked.has(channel)) listener.listening?.(channel);
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

  /** Without channels no connection is needed. */
  private async disconnectIfIdle(): Promise<void> {
    for (const channel of this.listeners.keys()) if (!this.refused.has(channel)) return;
    const { connection } = this;
    this.connection = this.#line = undefined;
    await connection?.end();
  }

  /** @throws so that another connection is made, which subscribes to all channels */
  private async begin(client: Redis): Promise<void> {
    client.on('message', (channel: string, message: string) => {
      for (const listener of this.listeners.get(channel) ?? []) listener.heard(channel, message);
    });
    this.#line = { client, asked: new Set() };
    await this.listenOn(this.#line);
  }

  /** Where that fails, another connection subscribes to all channels. */
  private async listenAlso(line: Line): Promise<void> {
    const { client } = line;
    await this.listenOn(line).catch(() => {
      if (client.status !== 'end') this.connection?.discard(client);
    });
  }

  private async listenOn({ client, asked }: Line): Promise<void> {
    const channels = [...this.listeners.keys()].filter(
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
      // Perhaps only one of the channels is refused.
      await Promise.all(channels.map((channel) => this.subscribe(client, [channel])));
      return;
    }
    for (const channel of channels) {
      for (const listener of this.listeners.get(channel) ?? []) listener.listening?.(channel);
    }
  }

  private async doWithout(channel: string, error: Error): Promise<void> {
    this.refused.set(channel, error);
    const told = [...(this.listeners.get(channel) ?? [])];
    await this.disconnectIfIdle();
    for (const listener of told) listener.refused(channel, error);
  }
}
