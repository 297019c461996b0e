import type { Commands } from './commands.js';

/** The clocks of all nodes of a cluster count as one. */
const ANY_NODE = '';
/** Interval at which the server's clock is asked for again, in milliseconds. */
const GOOD_FOR = 30_000;

/**
 * The server's clock, which stamps entries. Asks the server now and then. In between it adds the
 * time that this process has run, since the process's own clock may be wrong, or be set.
 */
export class ServerTime {
  /** Server time at the zero of `performance.now()`, in milliseconds. */
  private zero: number | undefined;
  private askedAt = 0;
  private asking: Promise<number> | undefined;

  constructor(private readonly commands: Commands) {}

  now(): number | Promise<number> {
    const running = performance.now();
    if (this.zero === undefined) return this.ask();
    if (running - this.askedAt > GOOD_FOR) this.ask().catch(() => undefined);
    return this.zero + running;
  }

  private ask(): Promise<number> {
    this.asking ??= this.measure().finally(() => (this.asking = undefined));
    return this.asking;
  }

  private async measure(): Promise<number> {
    const [seconds, micros] = await this.commands.run(
      'asking for the time',
      (client) => client.time(),
      ANY_NODE,
    );
    this.askedAt = performance.now();
    // The result is late by the way of the reply, and never early: no request is given up too soon.
    const server = Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
    this.zero = server - this.askedAt;
    return server;
  }
}
