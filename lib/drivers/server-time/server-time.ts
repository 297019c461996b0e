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

  /** @param read asks the server for its time, in milliseconds since the epoch */
  constructor(private readonly read: () => Promise<number>) {}

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
    const server = await this.read();
    this.askedAt = performance.now();
    // The result is late by the way of the reply, and never early: no request is given up too soon.
    this.zero = server - this.askedAt;
    return server;
  }
}
