import type { Redis } from 'ioredis';
import { Backoff } from '../../../core/backoff.js';
import { sleep, systemClock } from '../../../core/clock.js';
import { ClosedError, MissingPackageError } from '../../../core/errors/start-up.errors.js';
import { FirstConnection, TRIED_AGAIN, triedFor } from '../../connections/first-connection.js';
import { Outages } from '../../connections/outages.js';
import type { Address } from '../topology/topology.js';
import type { Commands } from './commands.js';
import {
  connectionError,
  hearLaterErrors,
  handshakeError,
  unansweredTls,
} from '../errors/connection-errors.js';
import type { ConnectionOptions } from './connection.options.js';
import type { Role } from './connector.js';
import { handshake } from './handshake.js';
import { Waiters } from './waiters.js';
import { addressOf } from './address-of.js';
import { isDemoted, isReply, typedError, withoutArguments } from '../errors/reply-errors.js';

/** Number of connections that this process has made so far. */
let made = 0;

/**
 * One connection that is replaced whenever it breaks. ioredis does not reconnect here: it would
 * send commands again that the server may have carried out, and a client that gave up stays dead.
 * Each try makes a new client, with growing, jittered waits in between.
 */
export class Connection implements Commands {
  readonly topology = undefined;
  #client: Redis | undefined;
  #connecting: Redis | undefined;
  private closed = false;
  private readonly backoff = new Backoff();
  private lastError: unknown;
  private readonly waiters = new Waiters();
  private readonly closing = new AbortController();
  private readonly id = ++made;
  private wasConnected = false;
  private broken = false;
  private readonly outages = new Outages();
  /** The address for the last client. Undefined while the address is being looked up. */
  private address: string | undefined;
  private first: FirstConnection | undefined;
  #prepared: Redis | undefined;

  constructor(private readonly options: ConnectionOptions) {
    // Makes the application's first client here, so that a client that cannot work is refused at
    // once.
    if (!options.connector.locate) this.#prepared = options.connector.adopt(options.replyTimeout);
    if (!options.lazy) this.connect();
  }

  /** Begins to connect, where the connection is lazy. */
  connect(): void {
    if (this.first || this.closed) return;
    this.first = new FirstConnection(() => this.announceDelay());
    const client = this.#prepared;
    this.#prepared = undefined;
    void this.keepConnected(client);
  }

  /** The client, if it can be used now. */
  get current(): Redis | undefined {
    return this.#client;
  }

  /**
   * @throws MissingPackageError; RedisConnectionError (`not-sent`) when there is no connection
   * within `timeout` milliseconds
   */
  async ready(action: string, timeout: number): Promise<Redis> {
    const deadline = systemClock.now() + timeout;
    this.connect();
    while (!this.#client) {
      const left = deadline - systemClock.now();
      if (this.closed) throw new ClosedError('The connection to Redis');
      if (this.lastError instanceof MissingPackageError) throw this.lastError;
      if (left <= 0) {
        const reason = this.lastError ?? unansweredTls(this.#connecting);
        throw connectionError('not-sent', action + triedFor(this.address, timeout), reason);
      }
      await this.waiters.wait(left);
    }
    return this.#client;
  }

  /** Runs one command, or several at once, and rejects with typed errors. */
  async run<T>(action: string, command: (client: Redis) => Promise<T>, key?: string): Promise<T> {
    const { connector, patience = connector.commandTimeout } = this.options;
    const client = this.#client ?? (await this.ready(action, patience));
    const { outages } = this;
    outages.sent(systemClock.now());
    try {
      const result = await command(client);
      outages.answered(systemClock.now());
      return result;
    } catch (error) {
      if (isReply(error)) outages.answered(systemClock.now());
      else outages.unanswered();
      if (isDemoted(error)) this.discard(client);
      throw typedError(error, action, key);
    }
  }

  allowance(idle: number): number {
    return this.outages.allowance(idle, systemClock.now());
  }

  together(): boolean {
    return true;
  }

  /** Ends this client, so that it is replaced. */
  discard(client: Redis): void {
    client.disconnect();
  }

  async close(): Promise<void> {
    this.closed = true;
    this.first?.over();
    this.closing.abort();
    this.waiters.wakeAll();
    (this.#client ?? this.#connecting ?? this.#prepared)?.disconnect();
  }

  /**
   * Closes the connection while the application goes on. Where the connection is broken, emits
   * `connection-retired`: no recovery follows.
   */
  async end(): Promise<void> {
    const { broken, closed } = this;
    await this.close();
    if (broken && !closed) this.options.events.emit('connection-retired', this.named);
  }

  /** As {@link end}, once commands under way must have been answered. */
  async retire(): Promise<void> {
    if (this.#client) await sleep(systemClock, this.options.replyTimeout, this.closing.signal);
    await this.end();
  }

  private createClient(address?: Address): Promise<Redis> {
    const { connector, role, replyTimeout } = this.options;
    return connector.create(role, replyTimeout, address);
  }

  private async keepConnected(first: Redis | undefined): Promise<void> {
    for (let client: Redis | undefined = first; !this.closed; client = undefined) {
      try {
        await this.lifeOf(
          client ?? (await this.createClient(await this.options.connector.locate?.())),
        );
      } catch (error) {
        this.lastError = error;
        if (error instanceof MissingPackageError) return this.giveUp();
      }
      await sleep(systemClock, this.backoff.next(), this.closing.signal);
    }
  }

  /** No later try can succeed: all waiting callers fail at once. */
  private giveUp(): void {
    this.first?.over();
    this.waiters.wakeAll();
  }

  /** Runs from the client's first packet to the end of its connection. */
  private async lifeOf(client: Redis): Promise<void> {
    if (this.closed) return;
    const ended = new Promise<void>((resolve) => client.once('end', () => resolve()));
    client.on('error', (error: unknown) => {
      const plain = withoutArguments(error);
      // A caller whose wait ends at this moment also gets the TLS error.
      this.lastError = this.#client === client ? plain : handshakeError(plain, client);
      hearLaterErrors(client);
    });
    this.options.connector.connecting();
    this.#connecting = client;
    this.address = addressOf(client);
    try {
      await handshake(client);
      await this.options.onConnected?.(client);
      if (this.closed) return;
      this.backoff.reset();
      this.lastError = undefined;
      this.connectedAgain();
      this.#client = client;
      this.broken = false;
      this.options.events.emit('connected', this.named);
      this.waiters.wakeAll();
      await ended;
    } finally {
      const wasReady = this.#client === client;
      this.#client = this.#connecting = undefined;
      // Disconnecting a client that has ended would leave a timer behind.
      if (client.status !== 'end') client.disconnect();
      if (wasReady) this.outages.broke(systemClock.now());
      if (wasReady && !this.closed) this.announceLoss();
    }
  }

  private connectedAgain(): void {
    const { late = false } = this.options;
    const beginning = this.wasConnected ? 'known' : 'unknown';
    if (this.wasConnected || late) this.outages.over(systemClock.now(), beginning);
    this.wasConnected = true;
    this.first?.over();
  }

  private announceDelay(): void {
    const { address } = this;
    // The connections to the nodes that are asked report the failure themselves.
    if (address === undefined) return;
    const cause =
      this.lastError ?? unansweredTls(this.#connecting) ?? new Error('there was no answer so far');
    const error = connectionError('not-sent', `connecting to ${address}`, cause, TRIED_AGAIN);
    this.broken = true;
    this.options.events.emit('unreachable', { ...this.named, address, error });
  }

  private announceLoss(): void {
    const error = connectionError('unknown', `serving ${this.options.role}`, this.lastError);
    this.broken = true;
    this.options.events.emit('disconnected', { ...this.named, error });
  }

  private get named(): { readonly role: Role; readonly connection: number } {
    return { role: this.options.role, connection: this.id };
  }
}
