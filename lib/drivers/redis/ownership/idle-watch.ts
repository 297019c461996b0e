import type { Redis } from 'ioredis';
import { Backoff } from '../../../core/backoff.js';
import { sleep, systemClock } from '../../../core/clock.js';
import type { EventBus } from '../../../core/events.js';
import type { Commands } from '../connection/commands.js';
import { Connection } from '../connection/connection.js';
import type { Connector } from '../connection/connector.js';
import { isDemoted, isReply } from '../errors/reply-errors.js';
import { unblock } from './unblock.js';

/** Longest wait of one read, ms. */
const BLOCK = 5000;
const GRACE = 2000;
const FOREVER = 2 ** 31 - 1;
/** Streams that become idle meanwhile are watched together, ms. */
const TOGETHER = 10;
/**
 * Each read names all of them, which takes its time here and at the server: between two of them is a
 * rest of 1 ms for so many, so that a little going on in many streams does not fill it.
 */
const NAMED_PER_MS = 50;

/** Waits for entries of streams that have none, many at a time. */
export interface StreamWatch {
  /** Tells, once, of anything behind this id. A false alarm does no harm. */
  add(key: string, after: string, onEntry: () => void): void;
  remove(key: string): void;
  close(): Promise<void>;
}

interface Watched {
  readonly after: string;
  readonly onEntry: () => void;
}

export interface IdleWatchOptions {
  readonly connector: Connector;
  /** Wakes the blocked read from another connection. */
  readonly commands: Commands;
  readonly events: EventBus;
}

/** One connection that is blocked for all idle streams of a process: an idle stream costs no command. */
export class IdleWatch implements StreamWatch {
  private readonly watched = new Map<string, Watched>();
  private readonly closing = new AbortController();
  private readonly backoff = new Backoff();
  private connection: Connection | undefined;
  /** Id of the connection at the server. */
  private reader: number | undefined;
  private loop: Promise<void> | undefined;
  /** Number of the read that is blocked. */
  private blocked: number | undefined;
  private reads = 0;
  /** Streams were added since the last read began. */
  private outdated = false;
  private waking: NodeJS.Timeout | undefined;
  private changed = new AbortController();

  constructor(private readonly options: IdleWatchOptions) {}

  add(key: string, after: string, onEntry: () => void): void {
    this.watched.set(key, { after, onEntry });
    this.outdated = true;
    this.loop ??= this.run();
    this.changed.abort();
    this.waking ??= setTimeout(() => {
      this.waking = undefined;
      void this.wake();
    }, TOGETHER);
  }

  remove(key: string): void {
    // A read that is under way may still tell of it; nobody listens any more.
    this.watched.delete(key);
  }

  async close(): Promise<void> {
    this.closing.abort();
    this.changed.abort();
    clearTimeout(this.waking);
    this.outdated = true;
    await this.wake();
    await this.connection?.close();
    await this.loop;
  }

  private async run(): Promise<void> {
    const { connector, events } = this.options;
    this.connection = new Connection({
      connector,
      role: 'reader',
      events,
      replyTimeout: BLOCK + GRACE,
      onConnected: async (client) => {
        this.reader = await client.client('ID').catch(() => undefined);
      },
    });
    while (!this.closing.signal.aborted) {
      if (this.watched.size === 0) await this.nextChange();
      else {
        await this.readOnce(this.connection);
        await this.rest();
      }
    }
  }

  private async rest(): Promise<void> {
    const ms = Math.floor(this.watched.size / NAMED_PER_MS);
    if (ms > 0) await sleep(systemClock, ms, this.closing.signal);
  }

  private async readOnce(connection: Connection): Promise<void> {
    let client: Redis | undefined;
    try {
      client = await connection.ready('awaiting entries', FOREVER);
      if (this.closing.signal.aborted) return;
      const [keys, ids] = [
        [...this.watched.keys()],
        [...this.watched.values()].map(({ after }) => after),
      ];
      const limits = ['COUNT', 1, 'BLOCK', BLOCK, 'STREAMS'];
      this.outdated = false;
      this.blocked = ++this.reads;
      const reply = await client.call('XREAD', ...limits, ...keys, ...ids);
      this.blocked = undefined;
      for (const key of keysOf(reply)) this.tell(key);
      this.backoff.reset();
    } catch (error) {
      this.blocked = undefined;
      if (this.closing.signal.aborted) return;
      if (client && (isDemoted(error) || !isReply(error))) connection.discard(client);
      // One that cannot be read spoils the read of all: each finds out for itself.
      else if (client) for (const key of [...this.watched.keys()]) this.tell(key);
      await sleep(systemClock, this.backoff.next(), this.closing.signal);
    }
  }

  private tell(key: string): void {
    const watched = this.watched.get(key);
    this.watched.delete(key);
    watched?.onEntry();
  }

  private nextChange(): Promise<void> {
    this.changed = new AbortController();
    return sleep(systemClock, FOREVER, AbortSignal.any([this.changed.signal, this.closing.signal]));
  }

  /** The blocked read ends, with nothing, and the next one is about all streams. */
  private async wake(): Promise<void> {
    const { blocked, reader: id } = this;
    if (blocked === undefined || !this.outdated) return;
    const { commands } = this.options;
    const hasEnded = (): boolean => this.blocked !== blocked;
    await unblock({ commands, key: '', client: this.connection?.current, id, hasEnded });
  }
}

/** With RESP 2 `[[key, entries]]`, with RESP 3 a map. */
function keysOf(reply: unknown): string[] {
  if (!Array.isArray(reply)) return [];
  if (Array.isArray(reply[0])) return reply.map(([key]: [string]) => key);
  return reply.filter((_, index) => index % 2 === 0) as string[];
}

/** Between two looks at an idle stream, ms. */
const LOOK = 250;

/** On a cluster no read waits for streams of several slots: each is looked at, again and again. */
export class PollingWatch implements StreamWatch {
  private readonly timers = new Map<string, NodeJS.Timeout>();

  add(key: string, _after: string, onEntry: () => void): void {
    const look = (): void => {
      this.timers.delete(key);
      onEntry();
    };
    this.timers.set(key, setTimeout(look, LOOK * (0.8 + 0.4 * Math.random())));
  }

  remove(key: string): void {
    clearTimeout(this.timers.get(key));
    this.timers.delete(key);
  }

  async close(): Promise<void> {
    for (const key of [...this.timers.keys()]) this.remove(key);
  }
}
