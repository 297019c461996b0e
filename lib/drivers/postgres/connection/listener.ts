import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { Backoff } from '../../../core/backoff.js';
import { sleep, systemClock, within } from '../../../core/clock.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { Database } from './database.js';
import { channelOf, type Hint } from './hints.js';

/** A hint of this library's own, which tells that hints arrive. */
const PROOF = 'proof';
/** A hint that has not arrived after this time never will, in milliseconds. */
const ARRIVAL = 2000;
/** Where no hint has arrived twice in a row they are tried out again after this time, in milliseconds. */
const LATER = 600_000;
/** Longest wait for the connection to end, in milliseconds. */
const FAREWELL = 1000;
/** Intervals of looking for work, in milliseconds: with hints, and without. */
const SELDOM = 1000;
const OFTEN = 200;

/** @param what as in {@link Hint}: empty for all */
export type HintListener = (what: readonly string[]) => void;

export interface ListenerOptions {
  readonly database: Database;
  readonly events: EventBus;
  /** False: no hint is heard. */
  readonly wanted: boolean;
  /** Interval of looking for work, where the application gives one. */
  readonly pollInterval?: number | undefined;
}

/**
 * Hears the hints of all processes, on one connection of its own. A hint may be lost: looking finds
 * what was missed.
 *
 * A transaction pooler takes LISTEN and passes no hint on. So each connection first hears a hint that
 * it has sent itself. Where that does not arrive twice in a row the warning `NO_HINTS` is raised once,
 * and hints are tried out again every ten minutes.
 */
export class Listener {
  private readonly listeners = new Map<string, Set<HintListener>>();
  private readonly closing = new AbortController();
  private readonly channel: string;
  private running: Promise<void> | undefined;
  private proof: { readonly token: string; readonly arrived: () => void } | undefined;
  private readonly off: boolean;
  /** How many proofs in a row did not arrive. */
  private silent = 0;
  #client: Client | undefined;

  constructor(private readonly options: ListenerOptions) {
    this.channel = channelOf(options.database.schema.name);
    this.off = !options.wanted;
  }

  /** Whether hints arrive. */
  hears = false;

  /** How often to look for work that no hint has announced, in milliseconds. */
  get pollInterval(): number {
    return this.options.pollInterval ?? (this.hears ? SELDOM : OFTEN);
  }

  /**
   * Calls back for each hint of the kind, and with an empty list when hints begin to arrive again.
   * Returns a function that ends it.
   */
  on(kind: string, heard: HintListener): () => void {
    const known = this.listeners.get(kind) ?? new Set();
    known.add(heard);
    this.listeners.set(kind, known);
    if (!this.off) this.running ??= this.keepListening();
    return () => void known.delete(heard);
  }

  async close(): Promise<void> {
    this.closing.abort();
    void this.#client?.end().catch(() => undefined);
    if (this.running) await within(systemClock, FAREWELL, this.running);
  }

  private async keepListening(): Promise<void> {
    const backoff = new Backoff();
    while (!this.closing.signal.aborted) {
      try {
        await this.lifeOf(await this.options.database.single(), () => backoff.reset());
      } catch {
        // Another connection is made. Where the server is away, the pool tells.
      }
      this.hears = false;
      const pause = this.silent > 1 ? LATER : backoff.next();
      await sleep(systemClock, pause, this.closing.signal);
    }
  }

  private async lifeOf(client: Client, listening: () => void): Promise<void> {
    const ended = new Promise<void>((resolve) => client.once('end', () => resolve()));
    client.on('notification', ({ payload = '' }) => this.heard(payload));
    this.#client = client;
    try {
      await client.connect();
      if (this.closing.signal.aborted) return;
      await client.query(`listen "${this.channel.replaceAll('"', '""')}"`);
      if (!(await this.proves(ended))) return;
      this.hears = true;
      this.silent = 0;
      listening();
      for (const heard of [...this.listeners.values()].flatMap((those) => [...those])) heard([]);
      await ended;
    } finally {
      this.#client = undefined;
      await client.end().catch(() => undefined);
    }
  }

  /** Whether a hint arrives. False also where the connection ends before. */
  private async proves(ended: Promise<void>): Promise<boolean> {
    const token = randomUUID();
    const arrived = new Promise<'arrived'>(
      (resolve) => (this.proof = { token, arrived: () => resolve('arrived') }),
    );
    const { database, events } = this.options;
    await database.query('trying out hints', 'select pg_notify($1, $2)', [
      this.channel,
      JSON.stringify([PROOF, token]),
    ]);
    const late = new AbortController();
    const came = await Promise.race([
      arrived,
      ended.then(() => 'ended' as const),
      sleep(systemClock, ARRIVAL, AbortSignal.any([late.signal, this.closing.signal])),
    ]);
    late.abort();
    this.proof = undefined;
    if (came === undefined && !this.closing.signal.aborted && ++this.silent === 2) {
      const message =
        `Hints of PostgreSQL do not reach this process: a transaction pooler is in between, or hints are ` +
        `late. It looks for messages every ${this.pollInterval} ms instead. Set hints: false if that is meant.`;
      events.emit('warning', { code: 'NO_HINTS', message });
    }
    return came === 'arrived';
  }

  private heard(payload: string): void {
    const [kind, ...what] = hintOf(payload);
    if (kind === PROOF && what[0] === this.proof?.token) this.proof?.arrived();
    for (const listener of this.listeners.get(kind) ?? []) listener(what);
  }
}

/** The hint that was sent. Other programs may notify on the channel, too: that means nothing here. */
function hintOf(payload: string): Hint {
  try {
    const hint: unknown = JSON.parse(payload);
    return Array.isArray(hint) ? (hint as unknown as Hint) : [''];
  } catch {
    return [''];
  }
}
