import type { NatsConnection as Client } from '@nats-io/transport-node';
import { Fifo } from '../../../core/collections/fifo.js';
import type { NatsConnection } from '../connection/nats-connection.js';
import { NatsConnectionError } from '../errors/nats-connection.errors.js';
import type { Outgoing } from './outgoing.js';
import type { OnAnswer, PubAcks } from './pub-acks.js';

/** The server refuses messages where 10,000 of one stream wait in it. */
const MOST_UNDER_WAY = 4000;
/** Most bytes of messages under way. A single message may be larger. */
const MOST_BYTES = 16 * 1024 * 1024;

/**
 * Writes messages in order, and holds back those for which the server has no room yet: the server
 * drops what comes faster than it stores.
 */
export class SendQueue {
  private readonly waiting = new Fifo<Outgoing>();
  private underWay = 0;
  private bytes = 0;
  private readonly unlisten: () => void;

  constructor(
    private readonly connection: NatsConnection,
    private readonly acks: PubAcks,
    private readonly onAnswer: (one: Outgoing, answer: Parameters<OnAnswer>[0]) => void,
  ) {
    this.unlisten = connection.onDisconnect((error) => this.failWaiting(error.cause));
  }

  /** Call `flush` after the last one. */
  add(one: Outgoing): void {
    this.waiting.add(one);
  }

  flush(): void {
    const client = this.connection.live;
    if (!client) return this.failWaiting(undefined);
    for (let one; (one = this.waiting.first) && this.hasRoom(one.size);) {
      this.waiting.take();
      this.write(client, one);
    }
  }

  close(): void {
    this.unlisten();
    this.failWaiting(new Error('the driver was closed'));
  }

  private write(client: Client, one: Outgoing): void {
    this.underWay++;
    this.bytes += one.size;
    this.acks.write(client, one.message, (answer) => this.answered(one, answer));
  }

  private hasRoom(size: number): boolean {
    if (this.underWay === 0) return true;
    return this.underWay < MOST_UNDER_WAY && this.bytes + size <= MOST_BYTES;
  }

  private answered(one: Outgoing, answer: Parameters<OnAnswer>[0]): void {
    this.underWay--;
    this.bytes -= one.size;
    this.onAnswer(one, answer);
    if (this.waiting.size > 0) this.flush();
  }

  private failWaiting(cause: unknown): void {
    for (const one of this.waiting.takeAll()) {
      this.onAnswer(one, new NatsConnectionError('not-sent', 'publishing', cause));
    }
  }
}
