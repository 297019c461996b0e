import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { KafkaOptions } from '../../../lib/drivers/kafka/connection/kafka.options.js';
import type { NatsOptions } from '../../../lib/drivers/nats/connection/nats.options.js';
import type { PostgresOptions } from '../../../lib/drivers/postgres/connection/postgres.options.js';
import type { CommitsOptions } from '../../../lib/options/commits-options.js';
import type { BackoffOptions, HandlerOptions } from '../../../lib/options/handler-options.js';
import { guard } from '../../support/redis-process.js';
import { Ledger, type Note } from './ledger.js';
import { until } from '../../support/until.js';

const STARTS_WITHIN = 30_000;

/** What a worker is told; the rest are options of the library. */
export interface WorkerOptions {
  /** In this folder. @default 'worker.js' */
  readonly script?: string;
  readonly consumer: string;
  readonly group: string;
  readonly streams: readonly string[];
  /** How long a handler takes, about, ms. */
  readonly work: number;
  /** Where Redis is. Either this, `postgres`, `nats` or `kafka`. */
  readonly redis?: {
    readonly url?: string;
    readonly cluster?: readonly { readonly host: string; readonly port: number }[];
    readonly commandTimeout?: number;
    readonly keyPrefix?: string;
  };
  /** Where PostgreSQL is. Of inbox-worker.js and outbox-worker.js: where their database is. */
  readonly postgres?: PostgresOptions;
  /** Where NATS is. */
  readonly nats?: NatsOptions;
  /** Where Kafka is. */
  readonly kafka?: KafkaOptions;
  /** Of kafka-chain-worker.js: where it stops itself, and how. */
  readonly stops?: {
    readonly transaction: number;
    readonly when: 'before commit' | 'after commit';
    readonly signal: 'SIGSTOP' | 'SIGKILL';
  };
  /** Of workflow-worker.js: the state store is on another server, and kills the worker at a write. */
  readonly apart?: {
    readonly url: string;
    readonly diesAt?: number;
    readonly written?: boolean;
  };
  readonly idleTimeout: number;
  readonly reclaimInterval: number;
  readonly blockTimeout: number;
  readonly concurrency?: number;
  readonly maxDeliveries?: number;
  readonly backoff?: BackoffOptions;
  readonly gracePeriod?: number;
  readonly maxHold?: number;
  readonly commits?: CommitsOptions;
  /** Of the handler itself, and its event types. With `orderBy` it notes `settled`, too, once a message that was handled is settled. */
  readonly handler?: HandlerOptions & { readonly events?: readonly string[] };
}

/** An event of the library in a worker. */
export interface Told {
  readonly name: string;
  readonly at: number;
  readonly event: Record<string, unknown>;
}

/** A worker in a process of its own. */
export class WorkerProcess {
  readonly told: Told[] = [];
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
  readonly ledger: Ledger;
  private readonly child: ChildProcess;
  private readonly stderr: string[] = [];
  /** It has ended, and all that it wrote is known. */
  private closed = false;

  /**
   * @param directory for its ledger
   * @param onNote told of each note of the ledger when it is read
   */
  constructor(
    readonly options: WorkerOptions,
    directory: string,
    onNote: (note: Note) => void,
  ) {
    const { consumer, script = 'worker.js' } = options;
    this.ledger = new Ledger(`${directory}/${consumer}.log`, consumer, onNote);
    const path = fileURLToPath(new URL(script, import.meta.url));
    const config = JSON.stringify({ ...options, ledger: this.ledger.file });
    this.child = fork(path, [config], {
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      execArgv: [],
    });
    const watcher = guard(this.child);
    this.ended = new Promise((resolve) => {
      this.child.once('exit', (code, signal) => {
        watcher.kill();
        resolve({ code, signal });
      });
    });
    this.child.once('close', () => (this.closed = true));
    this.child.stderr!.on('data', (text) => this.stderr.push(String(text)));
    this.child.on('message', (told) => this.told.push({ ...(told as Told), at: Date.now() }));
  }

  get name(): string {
    return this.options.consumer;
  }

  get notes(): readonly Note[] {
    this.ledger.read();
    return this.ledger.notes;
  }

  ready(within = STARTS_WITHIN): Promise<void> {
    return until(
      `${this.name} started`,
      () => {
        if (this.closed) throw new Error(`${this.name} died: ${this.errors}`);
        return this.has('ready');
      },
      within,
      () => this.errors,
    );
  }

  has(name: string): boolean {
    return this.count(name) > 0;
  }

  count(name: string): number {
    return this.told.filter((told) => told.name === name).length;
  }

  /** Numbers of the partitions that it has, as it told last. */
  get partitions(): ReadonlySet<string> {
    const partitions = new Set<string>();
    for (const { name, event } of this.told) {
      const numbers = (event['partitions'] ?? []) as readonly string[];
      if (name === 'partitions-assigned') for (const one of numbers) partitions.add(one);
      if (name === 'partitions-revoked') for (const one of numbers) partitions.delete(one);
    }
    return partitions;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Has it call `app.close()`, after which it has to end of its own accord. */
  close(): void {
    this.child.send('close');
  }

  /** Sets the time of its process forward by `ms`, or back where it is negative. */
  stepTime(ms: number): void {
    this.child.send({ step: ms });
  }

  /** Kills it where it runs, or stands still. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.ended;
  }

  /** Processor time used so far, ms. */
  async cpu(): Promise<number> {
    const before = this.count('cpu');
    this.child.send('cpu');
    await until(`${this.name} told its use of the processor`, () => this.count('cpu') > before);
    const { user, system } = this.told.findLast(({ name }) => name === 'cpu')!.event;
    return (Number(user) + Number(system)) / 1000;
  }

  /** What it wrote to stderr. */
  get errors(): string {
    return this.stderr.join('');
  }
}
