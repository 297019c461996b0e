import type { EventBus } from '../../../../../core/event-bus.js';
import { FirstConnection, TRIED_AGAIN } from '../../../../connections/first-connection.js';
import { KafkaConnectionError } from '../../../errors/kafka-connection.errors.js';
import type { SocketNews } from './broker-sockets.js';
import { connectError } from '../library/kafkajs-errors.js';

const ROLE = 'commands';

/** Number of drivers that this process has opened so far. */
let made = 0;

/**
 * Tells by events whether brokers can be reached: `new` → `up` ⇄ `down`. Brokers end idle connections,
 * so `down` is where none is open and no new one can be made.
 */
export class BrokerWatch implements SocketNews {
  private readonly connection = ++made;
  private state: 'new' | 'up' | 'down' = 'new';
  private first: FirstConnection | undefined;
  private closed = false;
  /** Why the last connection could not be made. */
  lastError: Error | undefined;

  constructor(
    private readonly events: EventBus,
    private readonly address: string,
  ) {}

  /** The first connection is being made: reports where that takes long. */
  begin(): void {
    if (this.state === 'new' && !this.closed) {
      this.first ??= new FirstConnection(() => this.tellUnreachable());
    }
  }

  onOpen(): void {
    this.first?.over();
    this.lastError = undefined;
    if (this.closed || this.state === 'up') return;
    this.state = 'up';
    this.events.emit('connected', this.named);
  }

  onFailed(error: Error): void {
    this.lastError = error;
    if (this.closed || this.state !== 'up') return;
    this.state = 'down';
    const typed = new KafkaConnectionError('unknown', `serving ${ROLE}`, error);
    this.events.emit('disconnected', { ...this.named, error: typed });
  }

  close(): void {
    this.closed = true;
    this.first?.over();
  }

  private tellUnreachable(): void {
    const { address, lastError } = this;
    const cause = lastError ?? new Error('there was no answer so far');
    const error = connectError(cause, `connecting to ${address}`, TRIED_AGAIN);
    this.events.emit('unreachable', { ...this.named, address, error });
  }

  private get named(): { readonly role: string; readonly connection: number } {
    return { role: ROLE, connection: this.connection };
  }
}
