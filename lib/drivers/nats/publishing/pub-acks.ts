import type { Msg, NatsConnection as Client, Subscription } from '@nats-io/transport-node';
import { systemClock } from '../../../core/clock.js';
import type { PermissionDeniedError } from '../../../core/errors/server.errors.js';
import type { NatsConnection } from '../connection/nats-connection.js';
import { NatsConnectionError } from '../errors/nats-connection.errors.js';
import { clientHeaders } from '../wire/client-headers.js';
import type { NatsMessage } from './nats-message.js';
import { readPubAck, type PubAck } from './pub-ack.js';

const ACTION = 'publishing';

/** Receives the answer to one message: once, and never while the message is written. */
export type OnAnswer = (answer: Exclude<PubAck, undefined> | Error) => void;

interface UnderWay {
  readonly subject: string;
  readonly onAnswer: OnAnswer;
  /** When the answer is given up, on the clock of this process. */
  readonly dueAt: number;
}

/**
 * Writes messages, and hands each its answer. All answers come over one subscription, and one timer
 * is for all of them: a request of the client for each message costs several times as much.
 */
export class PubAcks {
  private inbox: Subscription | undefined;
  private client: Client | undefined;
  /** By number, oldest first. */
  private readonly underWay = new Map<number, UnderWay>();
  private written = 0;
  private prefix = '';
  private timer: NodeJS.Timeout | undefined;
  private readonly unlisten: readonly (() => void)[];

  constructor(
    private readonly connection: NatsConnection,
    /** Longest wait for an answer, in milliseconds. */
    private readonly patience: number,
  ) {
    this.unlisten = [
      connection.onDisconnect((error) => this.failAll(unknown(error.cause))),
      connection.onRefused.add((error) => this.refuse(error)),
    ];
  }

  /** Writes a message on a client that is connected now. */
  write(client: Client, message: NatsMessage, onAnswer: OnAnswer): void {
    if (client !== this.client) this.listen(client);
    const { subject, body, headers } = message;
    const number = ++this.written;
    const made = clientHeaders(() => this.connection.headers(), headers);
    const dueAt = systemClock.now() + this.patience;
    this.underWay.set(number, { subject, onAnswer, dueAt });
    this.timer ??= this.after(this.patience);
    try {
      client.publish(subject, body, {
        reply: this.prefix + number,
        ...(made && { headers: made }),
      });
    } catch (error) {
      // The client has looked at the message and written nothing.
      queueMicrotask(() => this.answer(number, notSent(error)));
    }
  }

  close(): void {
    for (const unlisten of this.unlisten) unlisten();
    this.inbox?.unsubscribe();
    this.failAll(unknown(new Error('the driver was closed')));
  }

  private listen(client: Client): void {
    this.client = client;
    this.prefix = `${this.connection.inbox()}.`;
    this.inbox = client.subscribe(`${this.prefix}*`, {
      callback: (error, message) => {
        if (error) this.deafened(error);
        else this.hear(message);
      },
    });
  }

  /** The client has closed the subscription. The next message has another one. */
  private deafened(error: Error): void {
    this.client = undefined;
    this.failAll(unknown(error));
  }

  private hear(message: Msg): void {
    const answer = readPubAck(message);
    if (answer) this.answer(Number(message.subject.slice(this.prefix.length)), answer);
  }

  private answer(number: number, answer: Parameters<OnAnswer>[0]): void {
    const one = this.underWay.get(number);
    if (!one) return;
    this.underWay.delete(number);
    one.onAnswer(answer);
  }

  /** The server has no other answer for a subject that this user may not publish to. */
  private refuse(error: PermissionDeniedError): void {
    const isInbox = error.command === 'subscribe' && error.key === `${this.prefix}*`;
    for (const [number, { subject }] of [...this.underWay]) {
      if (isInbox || error.key === subject) this.answer(number, error);
    }
  }

  private failAll(error: Error): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    for (const number of [...this.underWay.keys()]) this.answer(number, error);
  }

  /**
   * The connection keeps the process alive, and not this timer. A process that was busy for long runs its
   * timers first: answers that have arrived meanwhile are read before any is given up.
   */
  private after(ms: number): NodeJS.Timeout {
    return setTimeout(() => setImmediate(() => this.giveUp()), ms).unref();
  }

  private giveUp(): void {
    this.timer = undefined;
    const now = systemClock.now();
    for (const [number, { dueAt }] of this.underWay) {
      if (dueAt > now) {
        this.timer = this.after(Math.ceil(dueAt - now));
        return;
      }
      this.answer(number, unknown(new Error(`no answer within ${this.patience} ms`)));
    }
  }
}

const unknown = (cause: unknown): Error => new NatsConnectionError('unknown', ACTION, cause);
const notSent = (cause: unknown): Error => new NatsConnectionError('not-sent', ACTION, cause);
