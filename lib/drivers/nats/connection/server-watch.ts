import { setMaxListeners } from 'node:events';
import { sleep, systemClock } from '../../../core/clock.js';
import type { EventBus } from '../../../core/event-bus.js';
import { FirstConnection, TRIED_AGAIN } from '../../connections/first-connection.js';
import { NatsConnectionError, NatsGivenUpError } from '../errors/nats-connection.errors.js';
import { connectError, isAway, isLoginRefused } from '../errors/typed-error.js';
import { Listeners } from './listeners.js';

/** One connection carries all that other drivers use several connections for. */
const ROLE = 'commands';

/** Number of connections that this process has made so far. */
let made = 0;

/**
 * The state of one connection, which it tells of by events.
 *
 * `new` → `up` ⇄ `down` → `ended`. `ended` is for good.
 */
export class ServerWatch {
  readonly onUp = new Listeners();
  readonly onDown = new Listeners<Error>();
  readonly onEnded = new Listeners<NatsGivenUpError>();
  private readonly connection = ++made;
  private state: 'new' | 'up' | 'down' | 'ended' = 'new';
  private first: FirstConnection | undefined;
  private closed = false;
  /** Aborts at the next change. */
  private change = changeToCome();
  /** Why the last try has failed, or the connection broke. Undefined while there is a connection. */
  lastError: unknown;
  /** How many tries have failed since the connection broke. */
  attempts = 0;

  constructor(
    private readonly events: EventBus,
    private readonly address: () => string,
  ) {}

  get isUp(): boolean {
    return this.state === 'up';
  }

  get hasEnded(): boolean {
    return this.state === 'ended';
  }

  /** Why waiting for a connection does not help: the last try was refused. Undefined: it may help. */
  get refusal(): unknown {
    const isRefused =
      this.state === 'down' ? isLoginRefused(this.lastError) : !isAway(this.lastError);
    return isRefused ? this.lastError : undefined;
  }

  /** The first connection is being made: reports where that takes long. */
  begin(): void {
    if (this.state === 'new' && !this.closed) {
      this.first ??= new FirstConnection(() => this.tellUnreachable());
    }
  }

  /** Waits for the next change: a connection, a try that failed, the end. For `ms` milliseconds at most. */
  news(ms: number): Promise<void> {
    return sleep(systemClock, ms, this.change.signal);
  }

  /** Call it when there is a connection. */
  works(): void {
    if (this.closed || this.state === 'up' || this.state === 'ended') return;
    this.state = 'up';
    this.lastError = undefined;
    this.attempts = 0;
    this.first?.over();
    this.events.emit('connected', this.named);
    this.onUp.tell();
    this.changed();
  }

  /** Call it when no connection could be made. */
  failed(error: unknown): void {
    this.lastError = error;
    this.changed();
  }

  /** Call it when the server refuses what it allowed before, while no connection can be made. */
  refused(error: Error): void {
    this.lastError = error;
    if (this.state === 'down' && !this.closed) this.tellUnreachable();
    this.changed();
  }

  /** Call it when the connection broke. */
  broke(cause: unknown): void {
    if (this.closed || this.state !== 'up') return;
    this.state = 'down';
    this.lastError = cause;
    const error = new NatsConnectionError('unknown', `serving ${ROLE}`, cause);
    this.events.emit('disconnected', { ...this.named, error });
    this.onDown.tell(error);
  }

  /** Call it when there will be no connection any more, and this driver has not closed it. */
  ended(cause: unknown): void {
    if (this.closed || this.state === 'ended') return;
    this.broke(cause);
    this.state = 'ended';
    this.lastError = cause ?? this.lastError;
    const error = new NatsGivenUpError('connecting', this.lastError);
    this.events.emit('unreachable', { ...this.named, address: this.address(), error });
    this.onDown.tell(error);
    this.onEnded.tell(error);
    this.changed();
  }

  close(): void {
    this.closed = true;
    this.first?.over();
    this.changed();
  }

  private changed(): void {
    const { change } = this;
    this.change = changeToCome();
    change.abort();
  }

  private tellUnreachable(): void {
    const address = this.address();
    const cause = this.lastError ?? new Error('there was no answer so far');
    const error = connectError(cause, `connecting to ${address}`, TRIED_AGAIN);
    this.events.emit('unreachable', { ...this.named, address, error });
  }

  private get named(): { readonly role: string; readonly connection: number } {
    return { role: ROLE, connection: this.connection };
  }
}

/** Any number of calls may wait for it. */
function changeToCome(): AbortController {
  const change = new AbortController();
  setMaxListeners(0, change.signal);
  return change;
}
