import type { Redis } from 'ioredis';
import { sleep, systemClock } from '../../../core/clock.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { JoinOptions } from '../../../ports/stream-ownership.js';
import type { Commands } from '../connection/commands.js';
import { Connection } from '../connection/connection.js';
import type { Connector } from '../connection/connector.js';
import type { Keys } from '../keys/keys.js';

const SETTING = 'notify-keyspace-events';
/**
 * Flags that make the server notify of expired keys, by their names; other programs may add `E`.
 */
const NEEDED = ['K', 'E', 'x'];
const EXPIRED = 'expired';
/** How often to look for a key that has expired, and the interval in milliseconds. */
const PROBE = { looks: 40, interval: 25 };

export interface ExpiryHintsOptions extends Pick<
  JoinOptions,
  'service' | 'consumer' | 'hints' | 'onHint' | 'onReconnected'
> {
  readonly connector: Connector;
  readonly commands: Commands;
  readonly keys: Keys;
  readonly events: EventBus;
}

/**
 * Listens to the server's notifications of expired locks. These are hints only: where they cannot
 * be had, for any reason, the load balancer finds everything by looking, later.
 */
export class ExpiryHints {
  private connection: Connection | undefined;
  private listened = false;

  constructor(private readonly options: ExpiryHintsOptions) {}

  open(): void {
    const { connector, events, hints } = this.options;
    if (hints === 'off') return;
    this.connection ??= new Connection({
      connector,
      role: 'hints',
      events,
      replyTimeout: connector.commandTimeout,
      onConnected: (client) => this.listen(client),
    });
  }

  async close(): Promise<void> {
    await this.connection?.end();
  }

  private async listen(client: Redis): Promise<void> {
    const { keys, hints, onHint, onReconnected } = this.options;
    try {
      const obstacle = hints === 'configure' ? await this.configure(client) : undefined;
      const channel = `__keyspace@${client.options.db ?? 0}__:`;
      client.on('pmessage', (_pattern: string, name: string, event: string) => {
        const place = event === EXPIRED ? keys.placeOfLock(name.slice(channel.length)) : undefined;
        if (place) onHint(place);
      });
      await client.psubscribe(channel + keys.anyLock);
      if (this.listened) onReconnected();
      this.listened = true;
      // The operator may have configured the notifications.
      if (obstacle && !(await this.isToldOf(client))) this.warn(obstacle);
    } catch (error) {
      this.warn(`the server does not tell of locks that expire: ${(error as Error).message}`);
    }
  }

  /** Adds flags to those that are set, and removes none: other programs may depend on them. */
  private async configure(client: Redis): Promise<string | undefined> {
    try {
      const [, set = ''] = (await client.config('GET', SETTING)) as string[];
      const merged = mergedFlags(set);
      if (merged !== undefined) await client.config('SET', SETTING, merged);
      return undefined;
    } catch (error) {
      return `${SETTING} could not be set to contain ${NEEDED.join('')}: ${(error as Error).message}`;
    }
  }

  /** Lets a key expire, and listens whether the server notifies of it. */
  private async isToldOf(client: Redis): Promise<boolean> {
    const { commands, keys, service, consumer } = this.options;
    const key = keys.probe(service, consumer);
    const channel = `__keyspace@${client.options.db ?? 0}__:${key}`;
    const heard = new AbortController();
    client.on('message', (name: string, event: string) => {
      if (name === channel && event === EXPIRED) heard.abort();
    });
    try {
      await client.subscribe(channel);
      await commands.run('asking for hints', (other) => other.set(key, '1', 'PX', 1), key);
      for (let looks = 0; looks < PROBE.looks && !heard.signal.aborted; looks++) {
        await sleep(systemClock, PROBE.interval, heard.signal);
        // Reading an expired key makes the server notice the expiry.
        await commands.run('asking for hints', (other) => other.exists(key), key);
      }
      await client.unsubscribe(channel);
    } catch {
      // Without the right to this channel, or without a connection, there are no notifications.
    }
    return heard.signal.aborted;
  }

  private warn(reason: string): void {
    this.options.events.emit('warning', {
      code: 'NO_EXPIRY_HINTS',
      message: `Streams of consumers that died are found by looking alone, as ${reason}`,
    });
  }
}

/**
 * @returns the flags that are set together with those that are missing, undefined where none is
 * missing. The server returns flags in any order.
 */
export function mergedFlags(set: string): string | undefined {
  // `A` stands for all kinds of events, but not for the channels that tell of them.
  const missing = NEEDED.filter(
    (flag) => !set.includes(flag) && !(flag === 'x' && set.includes('A')),
  );
  return missing.length === 0 ? undefined : set + missing.join('');
}
