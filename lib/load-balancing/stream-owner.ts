import type { Clock } from '../core/clock.js';
import { StreamNotOwnedError, StreamUnsettledError } from '../core/errors/balancing.errors.js';
import type { StreamAssignment } from './stream-assignment.js';
import type {
  StreamHandOverOutcome,
  HandOverTarget,
  LetGoOutcome,
  StreamLocks,
  TakeOutcome,
} from '../ports/stream-locks.js';
import type { StreamNotification } from './notifications.js';
import { OwnedStream, OwnedStreams } from './owned-stream.js';

/**
 * Most names of completed streams that are remembered, so that completing them again is no error.
 */
const REMEMBERED = 1000;

/**
 * How often a receiver is chosen for a stream: the one chosen before may have been handed another
 * stream meanwhile.
 */
const AIMS = 3;

/** Works on owned streams. Without a holder the application does, by the notifications. */
export interface StreamHolder {
  added(owned: OwnedStream): void;
  /** The group in which the holder reads the streams. */
  readonly group?: string;
  /**
   * Ends the work on a stream. Resolves when no message of it will be settled any more.
   * @throws StreamUnsettledError where the stream is to be completed and a message of it waits for
   * its retry
   */
  letGo(owned: OwnedStream, complete: boolean): Promise<void>;
  lost(owned: OwnedStream): void;
}

export interface StreamOwnerOptions {
  readonly clock: Clock;
  readonly locks: StreamLocks;
  readonly isRunning: () => boolean;
  /**
   * Whether one more stream may be owned. Known only after taking it, because several are taken at
   * a time.
   */
  readonly hasCapacity: () => boolean;
  readonly notify: (notification: StreamNotification) => void;
  /** Called when this consumer owns one stream less. */
  readonly onCapacity: () => void;
}

type NotOwned = Exclude<TakeOutcome['word'], 'taken'> | 'full';

/** The owned streams of one consumer: takes them, and lets them go. */
export class StreamOwner {
  readonly owned = new OwnedStreams();
  private readonly completed = new Set<string>();
  /** Names of streams for which a request to the server is under way. */
  private readonly taking = new Set<string>();
  private holder: StreamHolder | undefined;

  constructor(private readonly options: StreamOwnerOptions) {}

  get isWorkedOn(): boolean {
    return this.holder !== undefined;
  }

  workWith(holder: StreamHolder): void {
    this.holder = holder;
    for (const owned of this.owned) holder.added(owned);
  }

  /** @returns whether this consumer owns the stream now */
  async take(assignment: StreamAssignment, ours: boolean): Promise<boolean> {
    return (await this.own(assignment, ours)) instanceof OwnedStream;
  }

  async own(assignment: StreamAssignment, ours: boolean): Promise<OwnedStream | NotOwned> {
    const { stream, id } = assignment;
    const before = this.owned.get(stream);
    if (before) return before.id === id ? 'held' : 'busy';
    // Two inputs name the same stream and arrive together. Not every driver checks both in one
    // step.
    if (this.taking.has(stream)) return 'busy';
    this.taking.add(stream);
    try {
      return await this.ask(assignment, ours);
    } finally {
      this.taking.delete(stream);
    }
  }

  private async ask(assignment: StreamAssignment, ours: boolean): Promise<OwnedStream | NotOwned> {
    const outcome = await this.options.locks.take(assignment, ours);
    if (outcome.word !== 'taken') return outcome.word;
    const owned = new OwnedStream(assignment, outcome.token, this.options.clock.now());
    if (!(await this.mayKeep(owned))) return 'full';
    this.add(owned);
    return owned;
  }

  /** Gives the stream back where it may not be kept. */
  private async mayKeep(owned: OwnedStream): Promise<boolean> {
    if (this.options.isRunning() && this.options.hasCapacity()) return true;
    await this.options.locks.release(owned);
    return false;
  }

  private add(owned: OwnedStream): void {
    this.owned.add(owned);
    this.completed.delete(owned.stream);
    this.options.notify({ type: 'StreamAdded', ...about(owned), token: owned.token });
    this.holder?.added(owned);
  }

  lose(owned: OwnedStream): void {
    if (!this.owned.remove(owned)) return;
    owned.disown();
    this.holder?.lost(owned);
    this.options.notify({ type: 'StreamDisowned', ...about(owned), reason: 'lost' });
    this.options.onCapacity();
  }

  /** Accepts a stream that was handed over to this consumer. */
  async accept(assignment: StreamAssignment, token: number): Promise<void> {
    const owned = new OwnedStream(assignment, token, this.options.clock.now());
    if (this.owned.get(owned.stream)) return;
    const [word] = await this.options.locks.extend([owned]);
    if (word !== 'held' || this.owned.get(owned.stream)) return;
    if (!(await this.mayKeep(owned))) return;
    this.add(owned);
  }

  /**
   * @param aim chooses the receiver, once no message of the stream runs any more; undefined: the
   * stream stays
   */
  async handOver(
    owned: OwnedStream,
    aim: () => Promise<HandOverTarget | undefined>,
  ): Promise<void> {
    const outcome = await this.endWork(owned, false, () => this.handTo(owned, aim));
    if (outcome === 'lost' || outcome === 'stale') return;
    // The input is not pending any more: the consumer that took the input owns the stream, or has
    // finished it.
    const reason = outcome === 'gone' ? 'lost' : 'handed-over';
    this.options.notify({ type: 'StreamDisowned', ...about(owned), reason });
  }

  private async handTo(
    owned: OwnedStream,
    aim: () => Promise<HandOverTarget | undefined>,
  ): Promise<StreamHandOverOutcome> {
    for (let tries = 0; tries < AIMS; tries++) {
      const target = await aim();
      if (!target) break;
      const outcome = await this.options.locks.handOver(owned, target);
      if (outcome !== 'stale') return outcome;
    }
    return 'stale';
  }

  /** Gives a stream back unfinished. This consumer owns it until the server has confirmed that. */
  release(owned: OwnedStream): Promise<LetGoOutcome> {
    return this.endWork(owned, false, () => this.options.locks.release(owned));
  }

  /**
   * Completes a stream. Callers and the last message of a stream all come this way.
   * @param completed the source has completed it together with its last message
   * @throws StreamUnsettledError
   */
  complete(owned: OwnedStream, completed = false): Promise<LetGoOutcome> {
    return this.endWork(owned, true, async () => {
      if (completed) return 'settled';
      const outcome = await this.options.locks.complete(owned, this.holder?.group);
      if (outcome === 'unsettled') throw new StreamUnsettledError(owned.stream);
      return outcome;
    });
  }

  /** Whether this consumer has completed a stream of this name recently. */
  hasCompleted(stream: string): boolean {
    return this.completed.has(stream);
  }

  private async endWork<T extends StreamHandOverOutcome>(
    owned: OwnedStream,
    complete: boolean,
    tell: () => Promise<T>,
  ): Promise<T> {
    owned.leaving = true;
    try {
      await this.holder?.letGo(owned, complete);
      owned.ending = true;
      const outcome = await tell();
      if (outcome === 'stale') this.resume(owned);
      else if (outcome === 'lost') {
        this.lose(owned);
        if (complete) throw new StreamNotOwnedError(owned.stream);
      } else if (this.owned.remove(owned)) {
        owned.disown();
        if (complete) this.remember(owned.stream);
        this.options.onCapacity();
      }
      return outcome;
    } catch (error) {
      this.resume(owned);
      throw error;
    }
  }

  private resume(owned: OwnedStream): void {
    owned.leaving = owned.ending = false;
    if (this.options.isRunning() && this.owned.get(owned.stream) === owned) {
      this.holder?.added(owned);
    }
  }

  private remember(stream: string): void {
    this.completed.add(stream);
    if (this.completed.size <= REMEMBERED) return;
    const [oldest] = this.completed;
    this.completed.delete(oldest!);
  }
}

/** The parts of a notification that identify a stream. */
export function about({ stream, id, info }: StreamAssignment) {
  return { payload: { dataStreamName: stream, idInLbs: id }, info };
}
