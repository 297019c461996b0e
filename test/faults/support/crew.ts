import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WorkerProcess, type WorkerOptions } from './worker-process.js';

/** Several start at once, ms. */
const STARTS_WITHIN = 60_000;

/** Worker processes of one kind. Each that is killed is replaced by another one. */
export class Crew {
  private readonly workers: WorkerProcess[] = [];
  private made = 0;

  private constructor(
    private readonly directory: string,
    private readonly options: Partial<WorkerOptions>,
  ) {}

  /** @param options of all workers */
  static async start(count: number, options: Partial<WorkerOptions>): Promise<Crew> {
    const crew = new Crew(await mkdtemp(join(tmpdir(), 'streams-crew-')), options);
    for (let index = 0; index < count; index++) crew.add();
    await Promise.all(crew.workers.map((worker) => worker.ready(STARTS_WITHIN)));
    return crew;
  }

  /** Kills a worker by SIGKILL, and starts another one in its place, without waiting for it. */
  async kill(): Promise<void> {
    const [victim] = this.workers.splice(Math.floor(Math.random() * this.workers.length), 1);
    await victim!.kill();
    this.add();
  }

  /** What the workers that live have written to stderr. */
  get errors(): string {
    return this.workers.map(({ errors }) => errors).join('');
  }

  /** Ends all workers as an application does. */
  async close(): Promise<void> {
    for (const worker of this.workers) worker.close();
    await Promise.all(this.workers.map(({ ended }) => ended));
  }

  /** Kills all that live, and removes their files. */
  async end(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.kill()));
    await rm(this.directory, { recursive: true, force: true });
  }

  private add(): void {
    const consumer = `worker-${++this.made}`;
    const options = {
      group: 'g',
      streams: ['s'],
      work: 0,
      idleTimeout: 1000,
      reclaimInterval: 250,
      blockTimeout: 500,
      ...this.options,
      consumer,
    } as WorkerOptions;
    this.workers.push(new WorkerProcess(options, this.directory, () => undefined));
  }
}
