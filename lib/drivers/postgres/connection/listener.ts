import { Backoff } from '../../../core/backoff.js';
import { sleep, systemClock } from '../../../core/clock.js';
import type { Database } from './database.js';
import { channelOf, type Hint } from './hints.js';
import { hearErrors } from './pg-pool.js';

/** @param what as in {@link Hint}: empty for all */
export type HintListener = (what: readonly string[]) => void;

/**
 * Hears the hints of all processes, on one connection of its own. A hint may be lost, and all may be
 * missed while the connection is replaced: looking finds what was missed.
 */
export class Listener {
  private readonly listeners = new Map<string, Set<HintListener>>();
  private readonly closing = new AbortController();
  private running: Promise<void> | undefined;
  #client: Awaited<ReturnType<Database['single']>> | undefined;

  constructor(
    private readonly database: Database,
    /** False: no hint is heard. */
    private readonly wanted: boolean,
  ) {}

  /** Whether hints arrive. */
  hears = false;

  /** Calls back for each hint of the kind. Returns a function that ends it. */
  on(kind: string, heard: HintListener): () => void {
    const known = this.listeners.get(kind) ?? new Set();
    known.add(heard);
    this.listeners.set(kind, known);
    if (this.wanted) this.running ??= this.keepListening();
    return () => void known.delete(heard);
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.#client?.end().catch(() => undefined);
    await this.running;
  }

  private async keepListening(): Promise<void> {
    const backoff = new Backoff();
    while (!this.closing.signal.aborted) {
      try {
        await this.lifeOf(await this.database.single(), () => backoff.reset());
      } catch {
        // Another connection is made.
      }
      this.hears = false;
      await sleep(systemClock, backoff.next(), this.closing.signal);
    }
  }

  private async lifeOf(
    client: Awaited<ReturnType<Database['single']>>,
    listening: () => void,
  ): Promise<void> {
    hearErrors(client);
    const ended = new Promise<void>((resolve) => client.once('end', () => resolve()));
    client.on('notification', ({ payload = '' }) => this.heard(payload));
    this.#client = client;
    try {
      await client.connect();
      if (this.closing.signal.aborted) return;
      const channel = channelOf(this.database.schema.name).replaceAll('"', '""');
      await client.query(`listen "${channel}"`);
      this.hears = true;
      listening();
      await ended;
    } finally {
      this.#client = undefined;
      await client.end().catch(() => undefined);
    }
  }

  private heard(payload: string): void {
    const [kind, ...what] = JSON.parse(payload) as Hint;
    for (const listener of this.listeners.get(kind) ?? []) listener(what);
  }
}
