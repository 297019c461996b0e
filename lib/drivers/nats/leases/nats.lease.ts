import type { Lease } from '../../../core/lease.js';
import type { Fields } from '../../../core/message.js';

/** The subscription that leases belong to. */
export interface EntryHolder {
  readonly group: string;
  readonly consumer: string;
  /** Random for each subscription. Of letters and digits. */
  readonly instance: string;
  /** The lease is settled, and held no more. */
  settled(lease: NatsLease): void;
}

/** One durable consumer of the server, as a subscription reads it. */
export interface LeaseReading {
  readonly stream: string;
  /** The name of the JetStream stream. */
  readonly jsStream: string;
  readonly durable: string;
  /** What the keys of run records begin with: the stream and the group, as tokens. */
  readonly recordPrefix: string;
  /** Time after which the server hands a delivery out again, in milliseconds. */
  readonly ackWait: number;
  /**
   * Until then `ackWait` and `generation` can be relied on, by `systemClock.now()`. Others may change
   * `ackWait`, and give notice for longer than that.
   */
  readonly knownUntil: number;
  /**
   * Rises whenever the durable was made again. Its deliveries are counted anew then, and what was
   * handed out before is not pending any more.
   */
  readonly generation: number;
  /** Fetches a message again. Undefined: it was deleted. */
  get(sequence: number): Promise<{ readonly fields: Fields } | undefined>;
  /** Asks the server for the last delivery of the durable. Undefined: there is no such durable. */
  delivered(): Promise<LastDelivery | undefined>;
  /** Asks the server for the number of the oldest message that the stream has. */
  firstSequence(): Promise<number>;
}

/** How far a durable has come. */
export interface LastDelivery {
  readonly consumerSequence: number;
  readonly generation: number;
}

/** One delivery of a message. */
export interface Delivered {
  /** Where to acknowledge it. */
  readonly ackSubject: string;
  /** How often the message was delivered, this time included. */
  readonly deliveries: number;
  /** Number of this delivery among all deliveries of the durable. */
  readonly consumerSequence: number;
  /** Number of the message in its JetStream stream. */
  readonly sequence: number;
  readonly id: string;
  readonly publishedAt: number;
  readonly fields: Fields;
  /** Until then no other consumer can have the entry, by `systemClock.now()`. */
  readonly freshUntil: number;
  readonly redrive?: number | undefined;
}

/**
 * Where a lease stands: `held`, settled (`gone`), another run has the entry (`lost`), or released to
 * others while it may begin here (`offered`).
 */
export type Standing = 'held' | 'offered' | 'lost' | 'gone';

let leases = 0;

/** A lease of one entry of a JetStream stream. */
export class NatsLease implements Lease {
  readonly stream: string;
  readonly id: string;
  readonly publishedAt: number;
  readonly redrive: number | undefined;
  readonly sequence: number;
  attempt: number;
  charged: boolean;
  fields: Fields | undefined;
  trimmed = false;
  finishing = false;
  overrun: Promise<unknown> | undefined;
  ackSubject: string;
  deliveries: number;
  /** The lease answers for all deliveries up to this one. */
  consumerSequence: number;
  freshUntil: number;
  /**
   * The lease was late once: the server may deliver the entry again, and the record keeps it from others.
   */
  doubtful = false;
  /** Generation of the durable that delivered it. */
  generation: number;
  /** Revision of the run record that this lease has written. 0: it has written none. */
  revision = 0;
  /** When this lease wrote its record, by `systemClock.now()`. */
  writtenAt = 0;
  standing: Standing = 'held';
  /** Its message is gone with its stream. What the server is told of it could hit another message. */
  replaced = false;
  /** A delivery to the subscription that holds the entry, until it is claimed. */
  newer: Delivered | undefined;
  /** The engine has it, or will have it. False: it was delivered again, and waits to be claimed. */
  handedOut: boolean;
  /** Another consumer had it before. */
  takenFrom = false;
  private name: string | undefined;
  private turn: Promise<unknown> | undefined;

  constructor(
    readonly holder: EntryHolder,
    readonly reading: LeaseReading,
    delivered: Delivered,
  ) {
    this.stream = reading.stream;
    this.id = delivered.id;
    this.publishedAt = delivered.publishedAt;
    this.redrive = delivered.redrive;
    this.sequence = delivered.sequence;
    this.fields = delivered.fields;
    this.ackSubject = delivered.ackSubject;
    this.deliveries = delivered.deliveries;
    this.consumerSequence = delivered.consumerSequence;
    this.freshUntil = delivered.freshUntil;
    this.generation = reading.generation;
    this.handedOut = this.charged = delivered.deliveries === 1;
    this.attempt = this.charged ? 1 : 0;
  }

  get redriven(): boolean {
    return this.redrive !== undefined;
  }

  /** The entry was released to other consumers, and may begin here until one has taken it. */
  get offered(): boolean {
    return this.standing === 'offered';
  }

  /** Names this lease among all leases of the group. */
  get token(): string {
    this.name ??= `${this.holder.instance}.${(++leases).toString(36)}`;
    return this.name;
  }

  /** The key of its run record. */
  get key(): string {
    const { recordPrefix } = this.reading;
    const key = `${recordPrefix}.${this.id}`;
    return this.redrive === undefined ? key : `${key}.${this.redrive}`;
  }

  /** The count of runs without one that was counted and has not ended. */
  get ended(): number {
    return this.charged ? this.attempt - 1 : this.attempt;
  }

  /**
   * The server has delivered the entry again, to the subscription that holds it. Where another consumer may
   * have had it meanwhile, the lease has to claim it before this delivery counts.
   */
  redelivered(delivered: Delivered): void {
    const { generation } = this.reading;
    // It was on its way while this lease made sure of the entry.
    if (generation === this.generation && delivered.consumerSequence <= this.consumerSequence)
      return;
    this.newer = delivered;
    if (delivered.deliveries === 1) this.useNewer();
  }

  /** From now on the lease is that of the delivery that came last. */
  useNewer(): void {
    const { newer } = this;
    if (!newer) return;
    this.newer = undefined;
    this.ackSubject = newer.ackSubject;
    this.deliveries = newer.deliveries;
    this.consumerSequence = newer.consumerSequence;
    this.freshUntil = newer.freshUntil;
    this.generation = this.reading.generation;
    this.doubtful = false;
  }

  /** The stream was deleted and made again: another message may have the number of this one. */
  replace(): void {
    this.standing = 'lost';
    this.replaced = true;
  }

  /** Ends the lease: it is settled. */
  settled(): void {
    this.standing = 'gone';
    this.holder.settled(this);
  }

  /** Carries out a step with the record of this lease, after those before it. */
  inTurn<T>(step: () => Promise<T>): Promise<T> {
    const before = this.turn;
    const done = before ? before.then(step, step) : step();
    this.turn = done;
    return done;
  }
}
