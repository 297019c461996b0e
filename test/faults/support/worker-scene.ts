import { rm } from 'node:fs/promises';
import type { Slots } from '../../../lib/options/slots-options.js';
import { StreamsRuntime } from '../../../lib/runtime/streams-runtime.js';
import { pace } from '../../support/passing-time.js';
import { until } from '../../support/until.js';
import type { Note } from './ledger.js';
import { WorkerProcess, type WorkerOptions } from './worker-process.js';

/** What a message can ask of the handler in worker.js. */
export interface Payload {
  /** Type of the event. @default 'order' */
  readonly eventType?: string;
  /** Take so long, and note it if the signal aborts, ms. */
  readonly ms?: number;
  /** Take another time in the workers of these names, ms. */
  readonly msIn?: Readonly<Record<string, number>>;
  /** For `orderBy`. Also the key with which it is published, for servers with partitions. */
  readonly key?: string;
  /** Kill the process. */
  readonly kills?: boolean;
  /** Fail in so many runs before one succeeds. */
  readonly fails?: number;
  /** Throw UnrecoverableError in the worker of this name. */
  readonly failsIn?: string;
  /** Throw it where the run took a second longer than asked, as the process stood still. */
  readonly failsLate?: boolean;
}

export const STREAM = 'orders';
export const GROUP = 'workers';
export const COUNT = 10_000;

export const IDLE_TIMEOUT = 1200;
export const RECLAIM_INTERVAL = 300;
export const BLOCK_TIMEOUT = 500;
/** What a loaded machine with two cores adds. */
export const SLACK = 1500;

const CHUNK = 100;
/** Between two chunks: 5,000 messages a second. */
const PACE = 20;

/** An entry as it is stored: names and values of its fields in turn. */
export interface StoredEntry {
  readonly id: string;
  readonly fields: readonly string[];
}

/** A server of a driver, as far as scenes need it. */
export interface SceneServer {
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * A server, a stream that messages flow through, and worker processes that come and go. What a driver
 * stores is known to the classes that extend this one.
 */
export abstract class WorkerScene {
  readonly workers: WorkerProcess[] = [];
  /** Ids that the server acknowledged. */
  readonly published: string[] = [];
  /** Errors that the publisher got; what failed was published again. */
  readonly refusals: Error[] = [];
  readonly publisher: StreamsRuntime;
  private readonly timesHandled = new Map<string, number>();

  constructor(
    readonly server: SceneServer,
    readonly directory: string,
    slots: Slots,
  ) {
    this.publisher = new StreamsRuntime({ slots, group: GROUP });
  }

  /** Where the server is, for workers. */
  protected abstract readonly place: Pick<WorkerOptions, 'redis' | 'postgres' | 'nats' | 'kafka'>;

  /** Ends the connections of the scene itself. */
  protected abstract disconnect(): Promise<void>;

  /** Entries that some group has not settled, or has not read. */
  abstract left(): Promise<number>;

  /** Ids pending to a worker, or to all. */
  abstract pending(worker?: WorkerProcess): Promise<string[]>;

  /** Ids that a worker may have read and not settled. Where the server does not tell, more than that. */
  mayHold(worker: WorkerProcess): Promise<string[]> {
    return this.pending(worker);
  }

  /** Entries of a stream that are there now, in order. */
  abstract entries(stream: string): Promise<StoredEntry[]>;

  /** How many entries a stream has. */
  abstract length(stream: string): Promise<number>;

  /** Entries of these streams that wait for their time, or that some group has not settled. */
  abstract unsettled(streams: readonly string[]): Promise<number>;

  /** Ends all connections of the library. */
  abstract cut(): Promise<unknown>;

  /** Ids that are in the stream now. */
  async stored(): Promise<string[]> {
    return (await this.entries(STREAM)).map(({ id }) => id);
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.kill()));
    await this.publisher.close();
    await this.disconnect();
    await this.server.stop();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** Starts a worker and waits until it is ready. */
  async worker(consumer: string, options: Partial<WorkerOptions> = {}): Promise<WorkerProcess> {
    const worker = this.begin(consumer, options);
    await worker.ready();
    return worker;
  }

  /** Starts a worker. */
  begin(consumer: string, options: Partial<WorkerOptions> = {}): WorkerProcess {
    const usual = {
      group: GROUP,
      streams: [STREAM],
      work: 20,
      ...this.place,
      idleTimeout: IDLE_TIMEOUT,
      reclaimInterval: RECLAIM_INTERVAL,
      blockTimeout: BLOCK_TIMEOUT,
      concurrency: 50,
    };
    const given = { ...usual, ...options, consumer };
    const worker = new WorkerProcess(given, this.directory, ({ what, id }) => {
      if (what === 'handled') this.timesHandled.set(id, (this.timesHandled.get(id) ?? 0) + 1);
    });
    this.workers.push(worker);
    return worker;
  }

  /** Publishes at a steady pace, each message until it is accepted, and answers their ids. */
  publish(payloads: readonly Payload[]): Promise<string[]> {
    const publishing = this.publishAll(payloads);
    // Where a test fails before it comes to wait for it, one failure is enough.
    publishing.catch(() => undefined);
    return publishing;
  }

  /** So many messages that ask for nothing. */
  flow(count = COUNT): Promise<string[]> {
    return this.publish(Array<Payload>(count).fill({}));
  }

  private async publishAll(payloads: readonly Payload[]): Promise<string[]> {
    const ids: string[] = [];
    for (let at = 0; at < payloads.length; at += CHUNK) {
      ids.push(...(await this.accepted(payloads.slice(at, at + CHUNK))));
      await pace(PACE);
    }
    return ids;
  }

  private async accepted(payloads: readonly Payload[]): Promise<string[]> {
    const ids: string[] = [];
    for (let left = payloads; left.length > 0;) {
      const batch = left.map((payload) => ({
        eventType: payload.eventType ?? 'order',
        payload,
        stream: STREAM,
        ...(payload.key !== undefined && { key: payload.key }),
      }));
      const results = await this.publisher.producer.publishBatch(batch);
      const refused = results.filter((result) => result instanceof Error);
      ids.push(...results.filter((result) => typeof result === 'string'));
      left = left.filter((_, index) => results[index] instanceof Error);
      this.refusals.push(...refused);
      if (refused.length > 0) await pace(PACE);
    }
    this.published.push(...ids);
    return ids;
  }

  /** Everything that all workers noted, of one kind. */
  notes(what: string): Note[] {
    return this.workers.flatMap((worker) => worker.notes.filter((note) => note.what === what));
  }

  /** How often each id was handled. */
  handled(): ReadonlyMap<string, number> {
    for (const worker of this.workers) worker.ledger.read();
    return this.timesHandled;
  }

  /** Ids that were handled more than once. */
  duplicates(): string[] {
    return [...this.handled()].filter(([, times]) => times > 1).map(([id]) => id);
  }

  /** Waits until so many messages have been handled. */
  untilHandled(count: number): Promise<void> {
    return until(
      `${count} handled`,
      () => this.handled().size >= count,
      20_000,
      () => this.standing(),
    );
  }

  /** Waits until these have been handled and nothing is left, unread or pending, in any group. */
  async untilDone(ids: readonly string[] = this.published, ms = 20_000): Promise<void> {
    await until(
      'every message handled and acknowledged',
      async () => {
        const handled = this.handled();
        return ids.every((id) => handled.has(id)) && (await this.left()) === 0;
      },
      ms,
      () => this.standing(),
    );
  }

  /** Where things stand, for the message of a failure. */
  async standing(): Promise<string> {
    const { published, workers } = this;
    const handled = this.handled();
    const missing = published.filter((id) => !handled.has(id));
    const left = await this.left().catch((error: unknown) => error);
    const told = workers.flatMap((worker) =>
      worker.told
        .slice(-5)
        .map(({ name, event }) => `${worker.name} ${name} ${JSON.stringify(event)}`),
    );
    return [
      `${published.length} published, ${handled.size} handled, ${String(left)} left,`,
      `not handled: ${missing.slice(0, 5).join(' ')}`,
      ...told,
      ...workers.map((worker) => worker.errors).filter(Boolean),
    ].join('\n  ');
  }
}
