import type { Redis } from 'ioredis';
import { Backoff } from '../../../core/backoff.js';
import { sleep, systemClock } from '../../../core/clock.js';
import type { EventBus } from '../../../core/event-bus.js';
import { isDemoted, isReply } from '../errors/reply-errors.js';
import type { Reply } from '../resp/reply-parser.js';
import { encodeCommand, Wire } from '../resp/wire.js';
import type { SlotPlace } from '../topology/slot-place.js';
import type { Commands } from './commands.js';
import { Connection } from './connection.js';
import type { Connector, Role } from './connector.js';

/** A connection that is silent for this long after its command had to end is dead, in milliseconds. */
const GRACE = 2000;
/** Ending a command is tried this often: the command may not have reached the server yet. */
const TRIES = 50;
/** Between two of these tries, in milliseconds. */
const AGAIN = 10;

export interface BlockingReaderOptions {
  readonly connector: Connector;
  /** Ends a command that blocks, from another connection. */
  readonly commands: Commands;
  readonly events: EventBus;
  readonly role: Role;
  /** What is read for, as the errors say it, such as `awaiting answers`. */
  readonly action: string;
  /** Longest time that a command blocks, in milliseconds. */
  readonly block: number;
  /** On a cluster: the node of the slot that is read. */
  readonly place?: SlotPlace | undefined;
  /** A key that is read. It says which node of a cluster the connection leads to. */
  readonly key: () => string;
  /** Told of each connection that is made. */
  readonly onConnected?: () => void;
}

/**
 * Why a command failed. `broken`: the connection broke, or was ended by `wake`; it announces itself.
 * `moved`: another node serves the slot. `refused`: the server answered an error, which the caller
 * has to tell of.
 */
export type ReadFailure = 'broken' | 'moved' | 'refused';

/** A client whose socket this reader has taken over. */
interface Line {
  readonly wire: Wire;
  /** Id of the connection at the server, where this user may ask for it. */
  readonly id: number | undefined;
}

/**
 * Sends commands that may block, one at a time, on a connection of its own, and decodes their replies.
 * A connection that breaks, or that cannot serve any more, is replaced.
 */
export class BlockingReader {
  private readonly connection: Connection;
  private readonly replyTimeout: number;
  private readonly backoff = new Backoff();
  private readonly stopping = new AbortController();
  private line: Line | undefined;
  /** Number of the command that blocks. 0: none does. */
  private blocked = 0;
  private sent = 0;
  /** `wake` has ended the connection. */
  private ended = false;
  /** The reader has paused since it last worked. */
  paused = false;

  constructor(private readonly options: BlockingReaderOptions) {
    const { connector, place, role, events, block } = options;
    this.replyTimeout = block + GRACE;
    this.connection = new Connection({
      connector: place ? connector.at(() => place.locate()) : connector,
      role,
      events,
      replyTimeout: this.replyTimeout,
      onConnected: (client) => this.takeOver(client),
    });
  }

  /** A command can be sent now. */
  get isConnected(): boolean {
    return this.connection.current !== undefined;
  }

  /** Scripts know by the client what its server has been sent. */
  get client(): Redis {
    return this.line!.wire.client;
  }

  /** Why the last connection ended: `wake` ended it. */
  get wasWoken(): boolean {
    return this.ended;
  }

  /** A part of a reply has arrived, and the rest has not. */
  get hasPartOfReply(): boolean {
    return this.line?.wire.hasPartOfReply ?? false;
  }

  /**
   * Waits for a connection, for at most `timeout` milliseconds.
   * @throws RedisConnectionError (`not-sent`), ClosedError
   */
  async connected(timeout: number, action = this.options.action): Promise<void> {
    await this.connection.ready(action, timeout);
  }

  /**
   * Sends a command, and decodes its reply. To be called where there is a connection.
   * @param blocks the command waits at the server; `wake` ends it
   * @throws ReplyError where the server refuses it, Error where the connection ends before the reply
   */
  async request(args: readonly (string | number)[], blocks = true): Promise<Reply> {
    if (blocks) this.blocked = ++this.sent;
    try {
      return await this.line!.wire.request(encodeCommand(args), this.options.place?.asking);
    } finally {
      this.blocked = 0;
    }
  }

  /** The reader works: the next pause is a short one again. Need not be called unless it has `paused`. */
  succeeded(): void {
    this.paused = false;
    this.backoff.reset();
  }

  /** Takes in why a command failed. Replaces the connection where it cannot serve any more. */
  failed(error: unknown): ReadFailure {
    const { place } = this.options;
    const client = this.connection.current;
    const failure = place?.redirected(error)
      ? 'moved'
      : client && this.line?.wire.isOpen
        ? 'refused'
        : 'broken';
    const isOver = failure === 'moved' || isDemoted(error) || !isReply(error);
    if (client && isOver) this.connection.discard(client);
    return failure;
  }

  /** Waits before the next try: each time twice as long as before, until `succeeded` or `stop`. */
  pause(): Promise<void> {
    this.paused = true;
    return sleep(systemClock, this.backoff.next(), this.stopping.signal);
  }

  /**
   * Ends the command that blocks. What its reply brings is still answered. Where the server does not
   * end the command, the connection ends.
   */
  async wake(): Promise<void> {
    const { blocked, line } = this;
    if (blocked === 0 || !line) return;
    const { commands, key } = this.options;
    const isOver = (): boolean => this.blocked !== blocked;
    try {
      const { id } = line;
      for (let tries = 0; id !== undefined && tries < TRIES && !isOver(); tries++) {
        const woken = await commands.run(
          'waking a reader',
          (client) => client.client('UNBLOCK', id),
          key(),
        );
        if (woken !== 0) return;
        await sleep(systemClock, AGAIN);
      }
    } catch {
      // Without the right to unblock, or without a connection for commands.
    }
    if (isOver()) return;
    this.ended = true;
    line.wire.end();
  }

  /** Ends the command that blocks, or the wait for a connection. `close` is still to be called. */
  async stop(): Promise<void> {
    this.stopping.abort();
    if (this.isConnected) await this.wake();
    else await this.connection.end();
  }

  close(): Promise<void> {
    this.stopping.abort();
    return this.connection.end();
  }

  private async takeOver(client: Redis): Promise<void> {
    // Asked before the first command: afterwards the connection may be blocked.
    const id = await client.client('ID').catch((error: unknown) => {
      if (!isReply(error)) throw error;
      return undefined;
    });
    this.line = { wire: new Wire(client, this.replyTimeout), id };
    this.ended = false;
    this.options.onConnected?.();
  }
}
