import type { Msg } from '@nats-io/transport-node';
import { systemClock } from '../../../core/clock.js';
import type { Fields } from '../../../core/message.js';
import type { NatsConnection } from '../connection/nats-connection.js';
import { API_ERRORS, isReply } from '../errors/nats-reply.error.js';
import type { DurableInfo, DurableName } from '../groups/durable-settings.js';
import { ackWaitOf, generationOf, type Durables } from '../groups/durables.js';
import { freshUntil } from '../leases/fresh.js';
import type { Delivered, LastDelivery, LeaseReading, NatsLease } from '../leases/nats.lease.js';
import type { StreamInfo } from '../streams/js-stream.js';
import { isSameMessage, placeOf } from './delivery-place.js';
import { PullRequests } from './pull-requests.js';

/** A message as the client has it, delivered or fetched. */
export interface RawMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers?: Iterable<[string, string[]]> | undefined;
}

/** What a message says of the entry. */
export interface ReadEntry {
  readonly id: string;
  readonly publishedAt: number;
  readonly fields: Fields;
  readonly redrive: number | undefined;
}

export interface DurableReadingOptions {
  readonly connection: NatsConnection;
  readonly durables: Durables;
  readonly stream: string;
  /** What the keys of run records begin with. */
  readonly recordPrefix: string;
  /** Undefined: the message cannot be read. Never throws. */
  readonly decode: (
    message: RawMessage,
    sequence: number,
    storedAt: number,
  ) => ReadEntry | undefined;
  readonly onDelivered: (reading: DurableReading, delivered: Delivered) => void;
  readonly onMissing: () => void;
  readonly onEnded: () => void;
  readonly onFailed: (error: Error) => void;
}

const SHORTEST_REQUEST = 100;
/** How long what is known of a durable can be relied on, in milliseconds. It is asked for more often. */
const KNOWN_FOR = 90_000;
/** Delivers a message again in a minute. */
const LATER = `-NAK ${JSON.stringify({ delay: 60_000_000_000 })}`;

/** How long a lease is fresh. */
const lastsFor = (ackWait: number): number => freshUntil(0, ackWait);

/** One durable, as one subscription reads it. */
export class DurableReading implements LeaseReading {
  readonly stream: string;
  readonly recordPrefix: string;
  /** By the number of the message. Those that the engine has, and those that wait for it. */
  readonly held = new Map<number, NatsLease>();
  readonly requests: PullRequests;
  jsStream = '';
  durable = '';
  ackWait = 0;
  generation = 0;
  knownUntil = 0;
  /** How many entries wait here for the engine, or for their claim. */
  waiting = 0;
  /** There are more messages than were asked for. */
  hasMore = false;
  /** Something was delivered since this was set to false. */
  wasActive = true;
  /** The durable can be read. */
  active = false;
  /** The highest number of a message that has come. */
  last = 0;
  private lastDelivery = 0;

  constructor(private readonly options: DurableReadingOptions) {
    const { connection, stream, recordPrefix, onMissing, onEnded, onFailed } = options;
    this.stream = stream;
    this.recordPrefix = recordPrefix;
    this.requests = new PullRequests({
      ...{ connection, onMissing, onEnded, onFailed },
      onMessage: (message) => this.read(message),
    });
  }

  /** The durable that is read from now on. */
  use({ jsStream, durable }: DurableName, info: DurableInfo): void {
    if (this.generation !== generationOf(info)) {
      this.requests.reset();
      this.lastDelivery = 0;
    }
    this.jsStream = jsStream;
    this.durable = durable;
    this.know(info);
    this.active = true;
    this.wasActive = true;
  }

  /** Takes note of what the server says of the durable. */
  know(info: DurableInfo): void {
    const ackWait = ackWaitOf(info);
    // Entries that are held go to others earlier than their leases say.
    const earlier = lastsFor(this.ackWait) - lastsFor(ackWait);
    if (earlier > 0) for (const lease of this.held.values()) lease.freshUntil -= earlier;
    this.ackWait = ackWait;
    this.knownUntil = systemClock.now() + KNOWN_FOR;
    this.generation = generationOf(info);
  }

  /** Asks for so many messages, so that they are fresh for long enough when they come. */
  ask(count: number, blockTimeout: number): void {
    const expires = Math.max(SHORTEST_REQUEST, Math.min(blockTimeout, this.ackWait / 3));
    this.requests.ask(this, count, expires);
  }

  /** The lease that is held of the message that was delivered. One of another message is void. */
  heldOf({ sequence, ackSubject }: Delivered): NatsLease | undefined {
    const known = this.held.get(sequence);
    if (!known || isSameMessage(known.ackSubject, ackSubject)) return known;
    this.held.delete(sequence);
    known.replace();
    return undefined;
  }

  /** The stream is another one by now: what is held is of no message in it. */
  replaceHeld(): void {
    for (const lease of this.held.values()) lease.replace();
    this.held.clear();
  }

  async get(sequence: number): Promise<{ readonly fields: Fields } | undefined> {
    const { connection, decode } = this.options;
    const action = 'fetching a message again';
    const js = await connection.js(action);
    const found = await connection.answered(action, () =>
      js.manager.streams.getMessage(this.jsStream, { seq: sequence }),
    );
    if (!found) return undefined;
    const { subject, data } = found;
    const message = {
      ...{ subject, data },
      // The client reads headers when they are asked for, and may throw.
      get headers() {
        return found.header;
      },
    };
    return decode(message, sequence, 0);
  }

  async delivered(): Promise<LastDelivery | undefined> {
    const info = await this.options.durables.info(this);
    if (typeof info !== 'object') return undefined;
    return { consumerSequence: info.delivered.consumer_seq, generation: generationOf(info) };
  }

  async firstSequence(): Promise<number> {
    const action = 'looking for the oldest message';
    const js = await this.options.connection.js(action);
    try {
      const { state } = await js.request<StreamInfo>(action, `STREAM.INFO.${this.jsStream}`);
      return state.first_seq;
    } catch (error) {
      if (isReply(error, API_ERRORS.streamNotFound)) return Number.MAX_SAFE_INTEGER;
      throw error;
    }
  }

  /** Other versions of this library may read it: it comes again later. */
  private refuse({ subject, reply }: Msg): void {
    const { connection, onFailed } = this.options;
    connection.live?.publish(reply!, LATER);
    const error = `The message at ${subject} cannot be read: another program or another version of this library has written it. It stays where it is, and is tried again each minute.`;
    onFailed(new Error(error));
  }

  /** Runs for each message: no promise, few objects. */
  private read(message: Msg): void {
    const { onDelivered, onMissing, decode } = this.options;
    const ackSubject = message.reply!;
    const { deliveries, sequence, consumerSequence, storedAt, hasMore } = placeOf(ackSubject);
    this.hasMore = hasMore;
    this.wasActive = true;
    // Another durable has the name now: its deliveries are counted anew.
    if (consumerSequence < this.lastDelivery) onMissing();
    this.lastDelivery = consumerSequence;
    if (sequence > this.last) this.last = sequence;
    const entry = decode(message, sequence, storedAt);
    if (!entry) return this.refuse(message);
    onDelivered(this, {
      id: entry.id,
      publishedAt: entry.publishedAt,
      fields: entry.fields,
      redrive: entry.redrive,
      ackSubject,
      deliveries,
      sequence,
      consumerSequence,
      freshUntil: freshUntil(this.requests.since, this.ackWait),
    });
  }
}
