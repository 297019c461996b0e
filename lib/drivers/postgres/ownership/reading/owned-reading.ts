import type { Guard } from '../../../../core/guard.js';
import type { HeldStream } from '../../../../core/held-stream.js';
import type { BeginOutcome } from '../../../../core/lease.js';
import { EntryInHand, type OwnedStreamReading } from '../../../../ports/owned-readings.js';
import type { EntryHolder, PostgresLease, ReadStream } from '../../held-entries/postgres.lease.js';

/** The group of a stream, as the tables know it. */
export interface OwnedPlace extends ReadStream {
  readonly grp: number;
}

export interface OwnedReadingOptions {
  readonly group: string;
  readonly consumer: string;
  /** Called when the reading can take an entry. */
  readonly onHungry: (reading: OwnedReading) => void;
  readonly handOut: (lease: PostgresLease) => void;
  /** Gives an entry back that has not begun. Never rejects. */
  readonly giveBack: (lease: PostgresLease) => Promise<void>;
  /** The number of the group of inputs. */
  readonly inputs: () => Promise<number>;
  readonly onFinished: (held: HeldStream, completed: boolean) => void;
}

/** Hands out the entries of one owned stream, one after the other. Reads nothing ahead. */
export class OwnedReading implements EntryHolder, OwnedStreamReading {
  /** Undefined until the group is found. */
  place: OwnedPlace | undefined;
  /** The claim under way that asks for this stream, too. */
  asking: Promise<unknown> | undefined;
  private readonly inHand = new EntryInHand<PostgresLease>(() => this.advance());
  private readonly left = new Map<string, PostgresLease>();
  private beginning: Promise<unknown> | undefined;
  /** The highest id that was handed out. */
  private handedUpTo = 0n;
  private over = false;
  /** The stream was completed together with its last entry. */
  private isComplete = false;

  constructor(
    readonly owned: HeldStream,
    readonly guards: readonly Guard[],
    private readonly options: OwnedReadingOptions,
  ) {}

  get group(): string {
    return this.options.group;
  }

  get consumer(): string {
    return this.options.consumer;
  }

  /** The same function for all streams of a service: they are acknowledged together. */
  get inputs(): () => Promise<number> {
    return this.options.inputs;
  }

  get ended(): boolean {
    return this.over;
  }

  get isHungry(): boolean {
    return !this.over && !this.inHand.lease;
  }

  /** A message that has run waits to run again. */
  get awaitsRetry(): boolean {
    return this.inHand.awaitsRetry;
  }

  /** Entries that stay pending to this consumer by policy, as the server's function names them. */
  get leftKeys(): string[] {
    return [...this.left.values()].map(({ grp, message, redrives }) =>
      [grp, message, redrives].join(':'),
    );
  }

  /** Whether an entry that stands behind this one was handed out. */
  isLate(message: string): boolean {
    return BigInt(message) < this.handedUpTo;
  }

  /** Hands an entry out. Gives it back where the stream was let go of meanwhile. */
  async take(lease: PostgresLease): Promise<void> {
    if (!this.isHungry) return this.options.giveBack(lease);
    this.inHand.lease = lease;
    if (!lease.redriven && !this.isLate(lease.message)) this.handedUpTo = BigInt(lease.message);
    this.options.handOut(lease);
  }

  /** There was nothing to claim. Returns whether the stream is finished, then. */
  foundNothing(): boolean {
    if (!this.owned.finishing || !this.isHungry) return false;
    this.finish(false);
    return true;
  }

  /** Asks the server to count a run. An entry that is let go of meanwhile waits for the answer. */
  async begin(ask: () => Promise<BeginOutcome>): Promise<BeginOutcome> {
    if (this.over) return 'lost';
    const asking = ask();
    this.beginning = asking.catch(() => undefined);
    return asking;
  }

  settled(leases: readonly PostgresLease[]): void {
    for (const lease of leases) {
      if (lease.finishing) this.owned.finishing = true;
      this.left.delete(lease.key);
      this.inHand.putDown(lease);
    }
    if (this.isComplete) this.finish(true);
  }

  completed(): void {
    this.isComplete = true;
    this.end();
  }

  /** The entry runs again later. No other entry of this stream runs before. */
  parked(lease: PostgresLease): void {
    this.inHand.parked(lease);
  }

  /** This consumer has not settled the entry, and will not: it was left by policy, or lost. */
  forgotten(lease: PostgresLease, left: boolean): void {
    if (left) this.left.set(lease.key, lease);
    this.inHand.putDown(lease);
  }

  /** Hands out nothing more. Resolves once nothing runs. */
  async letGo(): Promise<void> {
    this.end();
    await this.asking;
    await this.beginning;
    await this.inHand.untilRest();
  }

  end(): void {
    this.over = true;
  }

  rest(): void {
    this.inHand.rest();
  }

  private finish(completed: boolean): void {
    this.end();
    this.options.onFinished(this.owned, completed);
  }

  private advance(): void {
    if (this.isHungry) this.options.onHungry(this);
  }
}
