import { Backoff } from '../../../core/backoff.js';
import { sleep, systemClock } from '../../../core/clock.js';
import type { EventBus } from '../../../core/event-bus.js';
import { FirstConnection, TRIED_AGAIN } from '../../connections/first-connection.js';
import { Outages } from '../../connections/outages.js';
import { PostgresConnectionError } from '../errors/postgres-connection.errors.js';
import { connectError } from '../errors/typed-error.js';

/** The pool carries what other drivers use several connections for. */
const ROLE = 'commands';

/** An idle time that no entry reaches, in milliseconds. */
const NONE_IS_GONE = 86_400_000;

/** Number of pools that this process has made so far. */
let made = 0;

export interface ServerWatchOptions {
  readonly events: EventBus;
  /** Sends a statement. Tried again and again until the server answers. */
  readonly probe: () => Promise<unknown>;
  /** Where the server should be. */
  readonly address: () => string;
}

/**
 * Follows whether the server answers: tells of outages by events, and tries until an outage is over.
 * One broken connection counts as an outage, since others may be broken without having noticed.
 */
export class ServerWatch {
  private readonly outages = new Outages();
  private readonly connection = ++made;
  private readonly closing = new AbortController();
  private state: 'new' | 'up' | 'down' = 'new';
  private first: FirstConnection | undefined;
  private trying = false;
  /** Aborts when the server answers. */
  private arrival = new AbortController();
  /** Why the last try has failed. */
  lastError: unknown;
  /** When the last outage was noticed, by the clock that never jumps. */
  lostAt = -Infinity;

  constructor(private readonly options: ServerWatchOptions) {}

  /** Whether the server answered last. */
  get isUp(): boolean {
    return this.state === 'up';
  }

  /** Whether this object tries to reach the server: no statement needs to. */
  get isTrying(): boolean {
    return this.trying;
  }

  /** Waits until the server answers, for `ms` milliseconds at most. Answers whether it does. */
  async answers(ms: number): Promise<boolean> {
    const signals = [this.arrival.signal, this.closing.signal];
    if (!this.isUp) await sleep(systemClock, ms, AbortSignal.any(signals));
    return this.isUp;
  }

  /** Tries until the first connection is made, and reports where that takes long. */
  begin(): void {
    if (this.state !== 'new') return;
    this.first ??= new FirstConnection(() => this.announceDelay());
    void this.tryOn();
  }

  /** Call it when a statement is sent. Call the returned function with what became of it. */
  sent(): (became: 'answered' | 'unanswered') => void {
    this.outages.sent(systemClock.now());
    return (became) => {
      if (became === 'answered') this.outages.answered(systemClock.now());
      else this.outages.unanswered();
    };
  }

  /** Call it when the server has answered, before the statement counts as answered: the outage is measured here. */
  works(): void {
    if (this.state === 'up' || this.closing.signal.aborted) return;
    if (this.state === 'down') this.outages.over(systemClock.now(), 'known');
    this.state = 'up';
    this.arrival.abort();
    this.first?.over();
    this.options.events.emit('connected', this.named);
  }

  /** Call it when a connection broke, or could not be made. */
  failed(error: unknown): void {
    this.lastError = error;
    if (this.closing.signal.aborted) return;
    if (this.state === 'new') return this.begin();
    this.outages.broke(systemClock.now());
    if (this.state === 'down') return;
    this.state = 'down';
    this.arrival = new AbortController();
    this.lostAt = systemClock.now();
    const typed = new PostgresConnectionError('unknown', `serving ${ROLE}`, error);
    this.options.events.emit('disconnected', { ...this.named, error: typed });
    void this.tryOn();
  }

  /** See {@link Outages.allowance}. While the server is away, no owner counts as gone. */
  allowance(idle: number): number {
    if (this.state === 'down') return NONE_IS_GONE;
    return this.outages.allowance(idle, systemClock.now());
  }

  close(): void {
    this.closing.abort();
    this.first?.over();
  }

  private async tryOn(): Promise<void> {
    if (this.trying) return;
    this.trying = true;
    const backoff = new Backoff();
    while (this.state !== 'up' && !this.closing.signal.aborted) {
      await this.options.probe().catch(() => undefined);
      if ((this.state as string) !== 'up')
        await sleep(systemClock, backoff.next(), this.closing.signal);
    }
    this.trying = false;
  }

  private announceDelay(): void {
    const address = this.options.address();
    const cause = this.lastError ?? new Error('there was no answer so far');
    const error = connectError(cause, `connecting to ${address}`, TRIED_AGAIN);
    this.options.events.emit('unreachable', { ...this.named, address, error });
  }

  private get named(): { readonly role: string; readonly connection: number } {
    return { role: ROLE, connection: this.connection };
  }
}
