import { systemClock } from '../../core/clock.js';
import type { OutgoingEntry } from '../../core/message.js';

type Result = string | Error;

interface Call {
  readonly entries: readonly OutgoingEntry[];
  readonly resolve: (results: Result[]) => void;
  /** When it came, on the clock of this process. */
  readonly since: number;
}

/** Most batches under way, so that publishing leaves connections of a pool to others. */
const MOST_UNDER_WAY = 3;
/** Calls are gathered for one batch until it has this many entries. */
const ENOUGH = 1000;

/**
 * Gathers calls of the same turn, and those that come while their streams are being written to: one
 * batch of many messages is much less work than one for each. Entries of a stream are written in the
 * order of the calls.
 */
export class PublishQueue {
  private waiting: Call[] = [];
  /** The streams of the batches under way. */
  private readonly busy = new Set<string>();
  private underWay = 0;
  private armed = false;

  private ended: (() => void)[] = [];

  constructor(
    /** `since`: when the first call of the batch came, on the clock of this process. */
    private readonly publishAll: (
      entries: readonly OutgoingEntry[],
      since: number,
    ) => Promise<Result[]>,
  ) {}

  /** Returns one id, or one error, for each entry. */
  publish(entries: readonly OutgoingEntry[]): Promise<Result[]> {
    return new Promise((resolve) => {
      this.waiting.push({ entries, resolve, since: systemClock.now() });
      this.arm();
    });
  }

  /** Resolves once nothing waits, and no batch is under way. */
  async idle(): Promise<void> {
    if (this.waiting.length === 0 && this.underWay === 0) return;
    await new Promise<void>((resolve) => this.ended.push(resolve));
  }

  private arm(): void {
    if (this.armed || this.underWay === MOST_UNDER_WAY) return;
    this.armed = true;
    setImmediate(() => {
      this.armed = false;
      const calls = this.takeCalls();
      if (calls.length > 0) void this.send(calls);
    });
  }

  /** Takes the calls whose streams are free. A call never overtakes an earlier one of its stream. */
  private takeCalls(): Call[] {
    const taken: Call[] = [];
    const left: Call[] = [];
    const blocked = new Set(this.busy);
    let count = 0;
    for (const call of this.waiting) {
      const isFree = count < ENOUGH && call.entries.every(({ stream }) => !blocked.has(stream));
      (isFree ? taken : left).push(call);
      if (isFree) count += call.entries.length;
      else for (const { stream } of call.entries) blocked.add(stream);
    }
    this.waiting = left;
    return taken;
  }

  private async send(calls: readonly Call[]): Promise<void> {
    const entries = calls.length === 1 ? calls[0]!.entries : calls.flatMap((call) => call.entries);
    const streams = new Set(entries.map(({ stream }) => stream));
    for (const stream of streams) this.busy.add(stream);
    this.underWay++;
    const results = await this.publishAll(entries, calls[0]!.since).catch((error: unknown) =>
      entries.map(() => error as Error),
    );
    this.underWay--;
    for (const stream of streams) this.busy.delete(stream);
    let from = 0;
    for (const { entries: own, resolve } of calls) {
      resolve(results.slice(from, (from += own.length)));
    }
    if (this.waiting.length > 0) this.arm();
    else if (this.underWay === 0) for (const tell of this.ended.splice(0)) tell();
  }
}
