import { createInbox, type Msg, type NatsConnection as Client } from '@nats-io/transport-node';
import { EventBus } from '../../lib/core/event-bus.js';
import { systemClock } from '../../lib/core/clock.js';
import { Bucket } from '../../lib/drivers/nats/buckets/bucket.js';
import type { DriverParts } from '../../lib/drivers/nats/connection/driver-parts.js';
import { NatsConnection } from '../../lib/drivers/nats/connection/nats-connection.js';
import { DEFAULT_STREAMS, NATS_OPTIONS } from '../../lib/drivers/nats/connection/nats.options.js';
import { freshUntil } from '../../lib/drivers/nats/leases/fresh.js';
import { Leases } from '../../lib/drivers/nats/leases/leases.js';
import {
  NatsLease,
  type Delivered,
  type LeaseReading,
} from '../../lib/drivers/nats/leases/nats.lease.js';
import { RECORDS_LIVE, RunRecords } from '../../lib/drivers/nats/leases/run-records.js';
import { Names } from '../../lib/drivers/nats/names/names.js';
import { NatsSettling } from '../../lib/drivers/nats/settling/settling.js';

/** The stream and the durable that members read. */
export const STREAM = 'orders';
export const DURABLE = 'billing';
/** Long: tests let deliveries expire by themselves, see `expire`. */
export const ACK_WAIT = 60_000;

/** What members have done: a message id for each time, and how to acknowledge what they have read. */
export class Outlet {
  readonly published: string[] = [];
  readonly letters: string[] = [];
  readonly ackSubjects = new Map<number, string>();
  /** By how much tests have moved the server's clock on, in milliseconds. */
  passed = 0;
  /** The same at the moment when a revision of the bucket was stored. */
  readonly storedAfter = new Map<number, number>();
}

export async function api<T>(client: Client, subject: string, body?: object): Promise<T> {
  const answer = await client.request(`$JS.API.${subject}`, body ? JSON.stringify(body) : '');
  const { error, ...result } = answer.json<{ error?: { description: string } }>();
  if (error) throw new Error(error.description);
  return result as T;
}

/** Makes the stream and the durable that members read. */
export async function makeDurable(client: Client): Promise<void> {
  await api(client, `STREAM.CREATE.${STREAM}`, { name: STREAM, subjects: [STREAM] });
  await api(client, `CONSUMER.DURABLE.CREATE.${STREAM}.${DURABLE}`, {
    stream_name: STREAM,
    config: {
      ...{ durable_name: DURABLE, ack_policy: 'explicit', ack_wait: ACK_WAIT * 1_000_000 },
      ...{ max_deliver: -1, max_ack_pending: -1, deliver_policy: 'all' },
    },
  });
}

/**
 * A consumer of the group, with nothing but leases, records and settling: a test decides when it reads,
 * when a delivery is taken from it, and when it notices.
 */
export class Member {
  readonly leases: Leases;
  readonly settling: NatsSettling;
  readonly held = new Map<number, NatsLease>();
  readonly reading: LeaseReading;
  private readonly holder;
  private readonly delivered = new WeakMap<NatsLease, Delivered>();

  private constructor(
    private readonly client: Client,
    readonly connection: NatsConnection,
    events: EventBus,
    instance: string,
    private readonly outlet: Outlet,
  ) {
    const parts: DriverParts = {
      ...{ connection, events, names: new Names(''), settings: DEFAULT_STREAMS },
      options: NATS_OPTIONS.complete({}),
    };
    const bucket = new Bucket({ parts, kind: 'runs', keeps: 'runs', maxAge: RECORDS_LIVE });
    const records = new RunRecords(whereTimePasses(bucket, outlet));
    const serverTime = () => Date.now() + outlet.passed;
    this.leases = new Leases({ connection, records, events, serverTime });
    this.settling = new NatsSettling({
      ...{ connection, records, leases: this.leases },
      isDeleted: async () => false,
      publishEntries: async (entries, ids) => {
        outlet.published.push(...ids);
        return entries.map(() => '1');
      },
      putDeadLetter: async (_record, _fields, id) => void outlet.letters.push(id),
    });
    this.holder = {
      ...{ group: DURABLE, consumer: 'c', instance },
      settled: (lease: NatsLease) => this.forget(lease),
    };
    this.reading = readingOf(client);
  }

  static async open(
    client: Client,
    url: string,
    instance: string,
    outlet: Outlet,
  ): Promise<Member> {
    const events = new EventBus();
    const connection = new NatsConnection(NATS_OPTIONS.complete({ url }), events);
    connection.connect();
    await connection.client('testing');
    return new Member(client, connection, events, instance, outlet);
  }

  /** Reads what is there, `count` at most. Nothing is claimed yet. */
  async read(count: number): Promise<NatsLease[]> {
    const since = systemClock.now();
    const found = await pullOnce(this.client, count);
    return found.map((message) => {
      const delivered = deliveredOf(message, since);
      this.outlet.ackSubjects.set(delivered.sequence, delivered.ackSubject);
      const lease = new NatsLease(this.holder, this.reading, delivered);
      this.delivered.set(lease, delivered);
      return lease;
    });
  }

  /** Claims what was read, as a subscription does. Returns the leases that are handed out. */
  async handOut(read: readonly NatsLease[]): Promise<NatsLease[]> {
    const handed: NatsLease[] = [];
    for (const lease of read) if (await this.takes(lease)) handed.push(lease);
    for (const lease of handed) this.held.set(lease.sequence, lease);
    return handed;
  }

  /** The engine does not have this lease any more. */
  forget(lease: NatsLease): void {
    if (this.held.get(lease.sequence) === lease) this.held.delete(lease.sequence);
  }

  close(): Promise<void> {
    return this.connection.close();
  }

  /** The server delivers these entries again, also where a lease is fresh. */
  async takeBack(sequences: readonly number[]): Promise<void> {
    for (const sequence of sequences) {
      const subject = this.outlet.ackSubjects.get(sequence);
      if (subject !== undefined) this.client.publish(subject, '-NAK');
    }
    await this.client.flush();
  }

  private async takes(lease: NatsLease): Promise<boolean> {
    const known = this.held.get(lease.sequence);
    if (!known || known.offered) {
      if (lease.handedOut) return true;
      const [claim] = await this.leases.claim([lease]);
      if (claim === 'elsewhere') this.client.publish(lease.ackSubject, '-NAK {"delay": 1000000}');
      return claim === 'claimed';
    }
    known.redelivered(this.delivered.get(lease)!);
    await this.leases.claim([known]);
    return false;
  }
}

/** A value of the bucket is as old as the test has let pass since it was stored. */
function whereTimePasses(bucket: Bucket, outlet: Outlet): Pick<Bucket, 'get' | 'put'> {
  return {
    async get(action, key) {
      const found = await bucket.get(action, key);
      return (
        found && { ...found, time: found.time + (outlet.storedAfter.get(found.sequence) ?? 0) }
      );
    },
    async put(action, key, body, options) {
      const { passed } = outlet;
      const revision = await bucket.put(action, key, body, options);
      if (revision !== 'changed') outlet.storedAfter.set(revision, passed);
      return revision;
    },
  };
}

function readingOf(client: Client): LeaseReading {
  return {
    ...{ stream: STREAM, jsStream: STREAM, durable: DURABLE, ackWait: ACK_WAIT, generation: 1 },
    knownUntil: Infinity,
    recordPrefix: `${STREAM}.${DURABLE}`,
    async get(seq) {
      const found = await api(client, `STREAM.MSG.GET.${STREAM}`, { seq }).catch(() => undefined);
      return found ? { fields: ['n', String(seq)] } : undefined;
    },
    async delivered() {
      const info = await api<{ delivered: { consumer_seq: number } }>(
        client,
        `CONSUMER.INFO.${STREAM}.${DURABLE}`,
      );
      return { consumerSequence: info.delivered.consumer_seq, generation: 1 };
    },
    async firstSequence() {
      const { state } = await api<{ state: { first_seq: number } }>(
        client,
        `STREAM.INFO.${STREAM}`,
      );
      return state.first_seq;
    },
  };
}

function deliveredOf(message: Msg, since: number): Delivered {
  const [, , , , deliveries, sequence, consumerSequence, time] = message.reply!.split('.');
  return {
    ackSubject: message.reply!,
    deliveries: Number(deliveries),
    consumerSequence: Number(consumerSequence),
    sequence: Number(sequence),
    id: sequence!,
    publishedAt: Number(time) / 1_000_000,
    fields: ['n', sequence!],
    freshUntil: freshUntil(since, ACK_WAIT),
  };
}

/** Asks once. Resolves with what the server has now, `count` messages at most. */
function pullOnce(client: Client, count: number): Promise<Msg[]> {
  const inbox = createInbox();
  const found: Msg[] = [];
  return new Promise((resolve, reject) => {
    const subscription = client.subscribe(inbox, {
      callback: (error, message) => {
        if (error) return reject(error);
        if (message.headers?.code) return done();
        found.push(message);
        if (found.length === count) done();
      },
    });
    function done(): void {
      subscription.unsubscribe();
      resolve(found);
    }
    const request = JSON.stringify({ batch: count, no_wait: true });
    client.publish(`$JS.API.CONSUMER.MSG.NEXT.${STREAM}.${DURABLE}`, request, { reply: inbox });
  });
}
