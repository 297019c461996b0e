import type {
  Msg,
  NatsConnection as Client,
  Subscription as Reading,
} from '@nats-io/transport-node';
import { systemClock } from '../../../core/clock.js';
import { Fifo } from '../../../core/collections/fifo.js';
import type { MessagesLost } from '../../../core/messages-lost.js';
import { token } from '../names/names.js';
import { decodeMessage } from '../wire/decode-message.js';
import { ID_HEADER } from '../wire/own-headers.js';
import { readHeaders } from '../wire/read-headers.js';
import { BufferUse } from './core-buffer.js';
import { CORE_IDS, newId, timeOf } from './core-ids.js';
import { CoreLease, type LeaseHolder } from './core.lease.js';
import { LostMessages } from './lost-messages.js';

export interface FeedOptions {
  readonly client: Client;
  readonly stream: string;
  readonly subject: string;
  /** Each message goes to one consumer of the group. */
  readonly group: string;
  /** On this subject clients ask which groups read the stream. */
  readonly asking: string;
  readonly use: BufferUse;
  readonly lost: LostMessages;
  /** A message has arrived, or was given back. */
  readonly onArrival: () => void;
  /** The server refused the subject, or the client has ended. */
  readonly onError: (error: Error) => void;
}

interface Arrived {
  readonly message: Msg;
  /** In bytes. */
  readonly size: number;
  readonly arrivedAt: number;
}

let arrivals = 0;

/** The messages of one stream: received in a queue group, and kept until they are handed out. */
export class CoreFeed implements LeaseHolder {
  /** Leases that are handed out, and neither settled nor released. */
  private running = 0;
  private reading: Reading | undefined;
  private answering: Reading | undefined;
  private readonly arrived = new Fifo<Arrived>();
  /** Messages that were given back, in the order of their arrival. */
  private readonly released: CoreLease[] = [];

  constructor(private readonly options: FeedOptions) {}

  /** Whether what has arrived is handed out. */
  watched = true;

  /** Whether it is a member of the queue group. */
  get reads(): boolean {
    return this.reading !== undefined;
  }

  get stream(): string {
    return this.options.stream;
  }

  /** Number of messages that wait to be handed out. */
  get waiting(): number {
    return this.released.length + this.arrived.size;
  }

  /** Joins the queue group. Idempotent. */
  read(): void {
    const { client, subject, group, asking } = this.options;
    this.reading ??= client.subscribe(subject, { queue: token(group), callback: this.receive });
    // Without the right to answer, only the number of groups is not known.
    const answer = (error: Error | null, message: Msg): void =>
      void (error ?? message.respond(group));
    this.answering ??= client.subscribe(asking, { callback: answer });
  }

  /**
   * Leaves the queue group: other members get what is published from now on. Resolves when the messages
   * on their way have arrived. Idempotent.
   */
  async leave(): Promise<void> {
    const { reading, answering } = this;
    this.reading = this.answering = undefined;
    answering?.unsubscribe();
    // Without a connection nothing is on its way.
    await reading?.drain().catch(() => undefined);
  }

  /** Hands out the oldest message. Undefined: none waits. */
  take(): CoreLease | undefined {
    const lease = this.released.shift() ?? this.next();
    if (lease) this.running++;
    return lease;
  }

  ended(): void {
    this.running--;
  }

  release(lease: CoreLease): void {
    this.running--;
    let at = this.released.length;
    while (at > 0 && this.released[at - 1]!.order > lease.order) at--;
    this.released.splice(at, 0, lease);
    this.options.onArrival();
  }

  /** Ends for good. What was not settled is lost, and told of. */
  async close(): Promise<void> {
    await this.leave();
    this.options.lost.flush();
    const count = this.waiting + this.running;
    if (count > 0) this.options.lost.tell(count, 'closed');
  }

  /** Tells of messages that are lost. @param count undefined: it is not known */
  lose(count: number | undefined, why: MessagesLost): void {
    this.options.lost.tell(count, why);
  }

  private next(): CoreLease | undefined {
    const arrived = this.arrived.take();
    if (!arrived) return undefined;
    this.options.use.remove(arrived.size);
    return this.leaseOf(arrived);
  }

  private readonly receive = (error: Error | null, message: Msg): void => {
    if (error) return this.options.onError(error);
    const { use, lost, onArrival } = this.options;
    const size = message.data.length + HEADERS;
    if (!use.admits(size)) return lost.drop();
    use.add(size);
    this.arrived.add({ message, size, arrivedAt: systemClock.wallTime() });
    onArrival();
  };

  private leaseOf({ message, arrivedAt }: Arrived): CoreLease {
    const { stream } = this.options;
    const given = readHeaders(message)?.get(ID_HEADER);
    const isOurs = given !== undefined && CORE_IDS.accepts(given);
    const id = isOurs ? given : newId();
    return new CoreLease(this, {
      ...{ stream, id, order: ++arrivals },
      publishedAt: isOurs ? timeOf(id) : arrivedAt,
      fields: decodeMessage(message),
    });
  }
}

/** What a message takes beside its body, roughly, in bytes: headers are read when it is handed out. */
const HEADERS = 256;
