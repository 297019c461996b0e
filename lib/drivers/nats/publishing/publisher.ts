import { sleep, systemClock } from '../../../core/clock.js';
import { ConnectionError } from '../../../core/errors/connection.errors.js';
import { PayloadTooLargeError } from '../../../core/errors/publishing.errors.js';
import { ClosedError } from '../../../core/errors/start-up.errors.js';
import type { NatsConnection } from '../connection/nats-connection.js';
import { NatsConnectionError } from '../errors/nats-connection.errors.js';
import { sizeOf } from '../wire/wire-size.js';
import type { NatsMessage } from './nats-message.js';
import type { Outcome, Outgoing } from './outgoing.js';
import { NO_STREAM } from './pub-ack.js';
import { PubAcks, type OnAnswer } from './pub-acks.js';
import { isCollision, refusal } from './refusals.js';
import { SendQueue } from './send-queue.js';
import { StreamGate, type StreamMaker } from './stream-gate.js';

export interface PublisherOptions {
  readonly connection: NatsConnection;
  readonly streams: StreamMaker;
  /** Longest wait for an answer, in milliseconds. */
  readonly requestTimeout: number;
  /** For how long a message is sent again that finds no stream, in milliseconds. */
  readonly connectTimeout: number;
}

/** How often, and after which wait in milliseconds, a message is sent again that met its own id. */
const MOST_COLLIDED = 20;
const COLLISION_WAIT = 25;

/**
 * Publishes messages to JetStream. Those of a call are written together, and those of a stream are
 * stored in their order. A message is sent again only where the server has said that it did not
 * store it: there was no stream for it, or another message with its id was about to be stored.
 */
export class Publisher {
  private readonly acks: PubAcks;
  private readonly queue: SendQueue;
  private readonly gate: StreamGate;
  private count = 0;
  private readonly calls = new Set<Promise<Outcome[]>>();
  private closed = false;
  private connecting: Promise<unknown> | undefined;

  constructor(private readonly options: PublisherOptions) {
    const { connection, streams, requestTimeout, connectTimeout } = options;
    this.acks = new PubAcks(connection, requestTimeout);
    this.queue = new SendQueue(connection, this.acks, (one, answer) => this.answered(one, answer));
    this.gate = new StreamGate({
      ...{ streams, patience: connectTimeout },
      pass: (messages) => this.send(messages),
    });
  }

  /**
   * Returns what became of each message. An error tells whether the message was sent: it is a
   * `ConnectionError` with the outcome `unknown` only where the message may be stored.
   */
  publishAll(messages: readonly NatsMessage[]): Promise<Outcome[]> {
    const call = this.publish(messages);
    this.calls.add(call);
    void call.finally(() => this.calls.delete(call));
    return call;
  }

  /** Awaits the answers of calls under way: each has one in time. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.all(this.calls);
    this.queue.close();
    this.acks.close();
  }

  private async publish(messages: readonly NatsMessage[]): Promise<Outcome[]> {
    const problem = await this.connect();
    if (problem) return messages.map(() => problem);
    const { maxPayload } = this.options.connection;
    const outcomes: Promise<Outcome>[] = [];
    for (const message of messages) {
      const size = sizeOf(message);
      const outcome = size > maxPayload ? tooLarge(message, size, maxPayload) : undefined;
      outcomes.push(outcome ?? new Promise((resolve) => this.admit(message, size, resolve)));
    }
    this.queue.flush();
    return Promise.all(outcomes);
  }

  /** Waits for a connection where there is none. Returns the error where there is none in time. */
  private async connect(): Promise<Error | undefined> {
    const { connection } = this.options;
    if (this.closed) return new ClosedError('The connection to NATS');
    if (connection.live && !this.connecting) return undefined;
    // One wait for all calls keeps their order.
    this.connecting ??= connection
      .client('publishing')
      .finally(() => (this.connecting = undefined));
    return this.connecting.then(
      () => undefined,
      (error: unknown) => error as Error,
    );
  }

  private admit(message: NatsMessage, size: number, resolve: (outcome: Outcome) => void): void {
    const one = {
      message,
      size,
      resolve,
      number: ++this.count,
      missed: 0,
      missedSince: 0,
      collided: 0,
    };
    if (this.gate.admits(one)) this.queue.add(one);
  }

  private send(messages: readonly Outgoing[]): void {
    for (const one of messages) this.queue.add(one);
    this.queue.flush();
  }

  private answered(one: Outgoing, answer: Parameters<OnAnswer>[0]): void {
    if (answer === NO_STREAM) return this.missed(one);
    if (answer instanceof Error) {
      if (answer instanceof ConnectionError) this.gate.forget(one.message.stream);
      return one.resolve(answer);
    }
    if (!('error' in answer)) return one.resolve(answer);
    if (isCollision(answer.error) && ++one.collided <= MOST_COLLIDED) {
      void sleep(systemClock, COLLISION_WAIT).then(() => this.send([one]));
    } else one.resolve(refusal(one, answer.error));
  }

  private missed(one: Outgoing): void {
    const now = systemClock.now();
    if (one.missed++ === 0) one.missedSince = now;
    if (now - one.missedSince < this.options.connectTimeout) return this.gate.missed(one);
    const { stream, subject } = one.message;
    const what = new Error(`no JetStream stream takes the subject "${subject}" of "${stream}"`);
    one.resolve(new NatsConnectionError('not-sent', 'publishing', what));
  }
}

const tooLarge = (
  { stream, eventType }: NatsMessage,
  size: number,
  limit: number,
): Promise<Outcome> =>
  Promise.resolve(new PayloadTooLargeError(size, limit, eventType ?? stream, 'the NATS server'));
