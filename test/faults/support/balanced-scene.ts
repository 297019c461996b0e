import { fork, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { guard } from '../../support/redis-process.js';
import { startRedis, type RedisServer } from '../../support/redis-server.js';
import { pace } from '../../support/passing-time.js';
import { until } from '../../support/until.js';

export const SERVICE = 'sessions';

/** What a worker is told; the rest are options of the load balancer. */
export interface BalancedWorkerOptions {
  readonly consumerId: string;
  /** How long a handler takes, about, ms. */
  readonly work: number;
  readonly scanInterval: number;
  readonly notifications?: 'configure' | 'listen' | 'off';
  readonly maxStreams?: number;
  readonly idleTime?: number;
  readonly rebalance?: boolean;
  /** Whether the library's log is shown. */
  readonly events?: boolean;
}

/** A line of a ledger. `n` is the number of the message, or its id for what was settled. */
export interface BalancedNote {
  readonly at: number;
  readonly by: string;
  readonly what: string;
  readonly stream: string;
  readonly n: string;
  readonly token: number;
}

/** What a message asks of the handler. */
export interface BalancedPayload {
  readonly n: number;
  /** The stream is done with it. */
  readonly last?: boolean;
  /** Keep the event loop busy for so long, ms, in the worker of this name. */
  readonly blocks?: number;
  readonly at?: string;
}

/** Where the server is. */
export interface Place {
  readonly redis?: { readonly url: string };
  readonly postgres?: { readonly url: string };
}

/** A worker in a process of its own. */
export class BalancedWorker {
  readonly ended: Promise<unknown>;
  readonly child: ChildProcess;
  private readonly file: string;
  private isReady = false;
  private errors = '';

  constructor(
    readonly options: BalancedWorkerOptions & Place,
    directory: string,
    readonly name: string,
  ) {
    this.file = `${directory}/${name}.log`;
    const path = fileURLToPath(new URL('balanced-worker.js', import.meta.url));
    const retry = { maxRetries: -1 };
    const config = { service: SERVICE, retry, ...options, ledger: this.file };
    this.child = fork(path, [JSON.stringify(config)], {
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      execArgv: ['--expose-gc'],
    });
    const watcher = guard(this.child);
    this.ended = new Promise((resolve) => {
      this.child.once('exit', (code) => {
        watcher.kill();
        resolve(code);
      });
    });
    this.child.stderr!.on('data', (text) => (this.errors += String(text)));
    this.child.on('message', (message) => (this.isReady ||= message === 'ready'));
  }

  ready(): Promise<void> {
    return until(
      `${this.name} started`,
      () => this.isReady,
      20_000,
      () => this.errors,
    );
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.ended;
  }

  async notes(): Promise<BalancedNote[]> {
    const text = await readFile(this.file, 'utf8').catch(() => '');
    const lines = text.split('\n').slice(0, -1);
    return lines.map((line) => {
      const [at, what, stream, n, token] = line.split(' ') as [
        string,
        string,
        string,
        string,
        string,
      ];
      return { at: Number(at), by: this.name, what, stream, n, token: Number(token) };
    });
  }
}

/** A server, data streams, and worker processes that come and go. */
export class BalancedScene {
  readonly workers: BalancedWorker[] = [];
  private started = 0;

  private constructor(
    readonly server: RedisServer,
    readonly directory: string,
    readonly client: Redis,
  ) {}

  static async open(args: readonly string[] = []): Promise<BalancedScene> {
    const server = await startRedis({ args });
    const directory = await mkdtemp(join(tmpdir(), 'streams-balanced-'));
    const client = new Redis(server.url, { retryStrategy: () => 50, maxRetriesPerRequest: null });
    client.on('error', () => undefined);
    return new BalancedScene(server, directory, client);
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.kill()));
    this.client.disconnect();
    await this.server.stop();
    await rm(this.directory, { recursive: true, force: true });
  }

  async worker(options: Partial<BalancedWorkerOptions> = {}): Promise<BalancedWorker> {
    const name = `c${++this.started}`;
    const usual = {
      consumerId: name,
      work: 10,
      scanInterval: 500,
      redis: { url: this.server.url },
    };
    const worker = new BalancedWorker({ ...usual, ...options }, this.directory, name);
    this.workers.push(worker);
    await worker.ready();
    return worker;
  }

  async announce(streams: readonly string[], info: object = {}): Promise<void> {
    const pipeline = this.client.pipeline();
    for (const stream of streams) {
      const said = JSON.stringify({ DataStreamName: stream, Info: info });
      pipeline.xadd(`${SERVICE}-input`, '*', 'lbs-input', said);
    }
    await pipeline.exec();
  }

  async publish(streams: readonly string[], payload: BalancedPayload): Promise<void> {
    const pipeline = this.client.pipeline();
    for (const stream of streams) {
      pipeline.xadd(stream, '*', 'event_type', 'event', 'payload', JSON.stringify(payload));
    }
    // A message that was refused would look like one that was skipped.
    for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error;
  }

  /** Everything that all workers have noted, each worker's in its own order. */
  async notes(): Promise<BalancedNote[]> {
    return (await Promise.all(this.workers.map((worker) => worker.notes()))).flat();
  }

  /** What waits in the streams: not delivered, or not settled. */
  async unsettled(streams: readonly string[]): Promise<number> {
    const pipeline = this.client.pipeline();
    for (const stream of streams) pipeline.xinfo('GROUPS', stream);
    let waiting = 0;
    for (const [, reply] of (await pipeline.exec()) ?? []) {
      const [group] = (reply as unknown[][] | null) ?? [];
      if (!group) return Infinity;
      // What the server does not know is not nothing.
      const value = (name: string): number => Number(group[group.indexOf(name) + 1] ?? Infinity);
      waiting += value('pending') + value('lag');
    }
    return waiting;
  }

  /** Kills a worker. @returns how long, at most, one of its streams was without another owner, ms */
  async orphaned(worker: BalancedWorker): Promise<number> {
    const keys = await this.client.keys('*<MUTEX_KEY_SEP>*');
    const holders = keys.length > 0 ? await this.client.mget(keys) : [];
    let waiting = keys.filter((_, index) => holders[index] === worker.name);
    const began = Date.now();
    worker.signal('SIGKILL');
    while (waiting.length > 0) {
      await pace(20);
      const now = await this.client.mget(waiting);
      waiting = waiting.filter((_, index) => [null, worker.name].includes(now[index]!));
    }
    return Date.now() - began;
  }

  /** Names of the owners of all streams, as the locks say. */
  async owners(): Promise<Map<string, string>> {
    const keys = await this.client.keys('*<MUTEX_KEY_SEP>*');
    const values = keys.length > 0 ? await this.client.mget(keys) : [];
    return new Map(
      keys.map((key, index) => [key.split('<MUTEX_KEY_SEP>')[0]!, values[index] ?? '']),
    );
  }
}

/** What is wrong with how one stream was handled: nothing, where it was right. */
export function faultsOf(notes: readonly BalancedNote[], stream: string, count: number): string[] {
  const faults: string[] = [];
  const runs = notes.filter((one) => one.stream === stream && one.what === 'handled');
  const byToken = new Map<number, number[]>();
  for (const { token, n } of runs) byToken.set(token, [...(byToken.get(token) ?? []), Number(n)]);
  let next = 0;
  for (const token of [...byToken.keys()].sort((a, b) => a - b)) {
    for (const n of byToken.get(token)!) {
      // Each owner goes on where settling ended: behind what was handled, or a little before.
      if (n > next) faults.push(`${stream}: ${n} came when ${next} was due (token ${token})`);
      next = Math.max(next, n + 1);
    }
    const own = byToken.get(token)!;
    if (own.some((n, index) => index > 0 && n < own[index - 1]!)) {
      faults.push(`${stream}: out of order under token ${token}: ${own.join(' ')}`);
    }
  }
  if (next !== count) faults.push(`${stream}: ${next} of ${count} were handled`);
  const settled = new Map<string, number>();
  for (const one of notes.filter(({ what, stream: of }) => what === 'settled' && of === stream)) {
    const before = settled.get(one.n);
    if (before !== undefined && before !== one.token) {
      faults.push(`${stream}: ${one.n} was settled under ${before} and under ${one.token}`);
    }
    settled.set(one.n, one.token);
  }
  return faults;
}
