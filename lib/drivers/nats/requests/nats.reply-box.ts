import { randomBytes } from 'node:crypto';
import type { Msg, Subscription } from '@nats-io/transport-node';
import { ClosedError } from '../../../core/errors/start-up.errors.js';
import type { Fields } from '../../../core/message.js';
import type { ReplyBox, ReplyBoxOptions } from '../../../ports/replies.js';
import type { NatsConnection } from '../connection/nats-connection.js';
import { typedError } from '../errors/typed-error.js';
import type { Names } from '../names/names.js';
import { decodeMessage } from '../wire/decode-message.js';

export interface NatsReplyBoxOptions extends ReplyBoxOptions {
  readonly connection: NatsConnection;
  readonly names: Pick<Names, 'replies'>;
}

const ACTION = 'awaiting answers';

/** The subject on which the answers of one client arrive. What comes while it is away is lost. */
export class NatsReplyBox implements ReplyBox {
  readonly address = `client-${randomBytes(9).toString('base64url')}`;
  private subscription: Subscription | undefined;
  private opening: Promise<void> | undefined;
  /** Answers that have arrived and were not handed over. */
  private arrived: Fields[] = [];
  private closed = false;
  private readonly unlisten: () => void;

  constructor(private readonly options: NatsReplyBoxOptions) {
    this.unlisten = options.connection.onDisconnect((error) => {
      if (options.waiting()) options.onLost(error);
    });
  }

  ready(): Promise<void> | undefined {
    if (this.closed) return Promise.reject(new ClosedError('The client'));
    if (this.subscription && !this.opening && this.options.connection.live) return undefined;
    this.opening ??= this.open().finally(() => (this.opening = undefined));
    return this.opening;
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.unlisten();
    await this.opening?.catch(() => undefined);
    const { subscription } = this;
    if (!subscription || subscription.isClosed()) return;
    subscription.unsubscribe();
    // A failure is ignored: the server forgets the subscription with the connection.
    if (this.options.connection.live) await this.options.connection.flush().catch(() => undefined);
  }

  private async open(): Promise<void> {
    const { connection, names } = this.options;
    const client = await connection.client(ACTION);
    if (this.closed) throw new ClosedError('The client');
    this.subscription ??= client.subscribe(names.replies(this.address), {
      callback: (error, message) => (error ? this.refused(error) : this.hear(message)),
    });
    // The server knows of the subscription before it gets the request.
    await connection.flush(ACTION);
  }

  private hear(message: Msg): void {
    if (this.arrived.length === 0) queueMicrotask(() => this.handOver());
    this.arrived.push(decodeMessage(message));
  }

  /** What has come in one piece is handed over together. */
  private handOver(): void {
    const { arrived } = this;
    this.arrived = [];
    if (!this.closed) this.options.onReplies(arrived);
  }

  /** The server does not let this user listen to the subject. */
  private refused(error: Error): void {
    this.subscription = undefined;
    this.options.onLost(typedError(error, ACTION));
  }
}
