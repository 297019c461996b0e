import { chunksOf } from '../core/collections/chunks.js';
import { sleep, type Clock } from '../core/clock.js';
import type { StreamAssignment } from './stream-assignment.js';
import type { StreamPlace } from '../core/held-stream.js';
import type { BalancerMembers } from '../ports/balancer-members.js';
import type { StreamInput, StreamInputs } from '../ports/stream-inputs.js';
import type { StreamLocks } from '../ports/stream-locks.js';
import type { Worker } from '../core/worker.js';
import { AbandonedInputs, type Abandoned } from './abandoned-inputs.js';
import type { BalancerSettings } from './balancer-settings.js';
import { StreamHandOver, type StreamHandOverOptions } from './hand-over.js';
import { LockExpiries } from './lock-expiries.js';
import type { OwnedStreams } from './owned-stream.js';
import type { Unusable } from './read-input.js';
import { Sharing } from './sharing.js';

/** Most streams that are taken at the same time. */
const AT_ONCE = 20;
/**
 * Wait after a hint, in milliseconds: for more hints, and at random, because all consumers get the
 * same hint.
 */
const HINT_DELAY = { least: 10, spread: 100 };
/**
 * Within this time an owner that has unlocked a stream has also acknowledged its input, in
 * milliseconds.
 */
const BENEFIT_OF_DOUBT = 200;
/** Shares of `scanInterval` from one look to the next. */
const NEXT_LOOK = { least: 0.7, spread: 0.2 };
/**
 * Share of `scanInterval` to the next look, where this look left streams to consumers whose share
 * they are. So no stream waits longer than `scanInterval`.
 */
const SECOND_LOOK = 0.1;
/**
 * Shares of `scanInterval` after which any consumer with room takes a stream: one that lost its
 * owner, and one that was handed over.
 */
const LEFT_OVER = { lost: SECOND_LOOK / 2, handedOver: 1.5 };

export interface RecoveryOptions extends BalancerSettings {
  readonly clock: Clock;
  readonly inputs: StreamInputs;
  readonly locks: StreamLocks;
  readonly members: BalancerMembers;
  readonly owned: OwnedStreams;
  /** How many more streams this consumer may own. */
  readonly capacity: () => number;
  /**
   * Whether this consumer takes abandoned streams. Otherwise the application is told of them, and
   * claims them.
   */
  readonly claims: () => boolean;
  readonly take: (assignment: StreamAssignment, ours: boolean) => Promise<boolean>;
  readonly tellExpired: (assignment: StreamAssignment) => void;
  /** Accepts an input that was handed over to this consumer and is locked in its name. */
  readonly accept: (id: string, token: number) => Promise<void>;
  readonly handOver: StreamHandOverOptions['handOver'];
  readonly discard: (input: StreamInput, reason: Unusable) => Promise<void>;
  readonly onFailure: (error: Error) => void;
}

/**
 * Looks for streams without an owner, at jittered intervals and after hints. Takes them or tells of
 * them. Hands streams over where other consumers own fewer.
 */
export class Recovery implements Worker {
  private readonly abandoned: AbandonedInputs;
  private readonly stopping = new AbortController();
  private waiting = new AbortController();
  private hinted = false;
  private readonly hints: LockExpiries;
  /** The last look left streams to other consumers. */
  private leftSome = false;
  private readonly sharing: Sharing;
  private readonly handingOver: StreamHandOver;
  /**
   * Engine time at which the application was told of an expired stream, in milliseconds, by the id
   * of its input.
   */
  private readonly told = new Map<string, number>();
  private loops: readonly Promise<void>[] = [];

  constructor(private readonly options: RecoveryOptions) {
    this.sharing = new Sharing(options);
    const { signal } = this.stopping;
    this.handingOver = new StreamHandOver({ ...options, sharing: this.sharing, signal });
    this.abandoned = new AbandonedInputs({
      ...options,
      owns: (id) => options.owned.hasInput(id),
      isMember: (consumer) => this.sharing.isMember(consumer),
      isThere: (consumer) => this.sharing.isThere(consumer),
      onUnusable: (input, reason) => options.discard(input, reason).catch(options.onFailure),
    });
    this.hints = new LockExpiries({
      isOurs: (places) => this.abandoned.expired(places),
      onOurs: () => this.lookSoon(),
    });
  }

  /** Announces this consumer to the others. */
  meet(): Promise<void> {
    return this.sharing.meet();
  }

  async start(): Promise<void> {
    this.loops = [
      this.repeat(
        () => this.sharing.meet(),
        () => sleep(this.options.clock, this.handingOver.untilMeeting, this.stopping.signal),
      ),
      this.repeat(
        () => this.look(),
        () => this.pause(),
      ),
    ];
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.waiting.abort();
    await Promise.all(this.loops);
  }

  /** Hint: a lock may have expired. */
  hint(place: StreamPlace): void {
    this.hints.add(place);
  }

  /** The connection is back: hints may have been missed. */
  reconnected(): void {
    this.abandoned.reconnected();
    this.lookSoon();
  }

  private lookSoon(): void {
    this.hinted = true;
    this.waiting.abort();
  }

  private async repeat(step: () => Promise<void>, pause: () => Promise<void>): Promise<void> {
    while (!this.stopping.signal.aborted) {
      try {
        await step();
      } catch (error) {
        if (!this.stopping.signal.aborted) this.options.onFailure(error as Error);
      }
      await pause();
    }
  }

  /** Jitter: consumers look at different times, so that few try to take the same stream. */
  private async pause(): Promise<void> {
    const { clock, scanInterval } = this.options;
    this.waiting = new AbortController();
    if (!this.hinted && !this.stopping.signal.aborted) {
      const { least, spread } = NEXT_LOOK;
      const part = this.leftSome ? SECOND_LOOK : least + spread * Math.random();
      const wait = Math.min(scanInterval * part, this.abandoned.ripensIn);
      await sleep(clock, wait, this.waiting.signal);
    }
    if (!this.hinted) return;
    const { least, spread } = HINT_DELAY;
    await sleep(clock, least + spread * Math.random(), this.stopping.signal);
    this.hinted = false;
  }

  private async look(): Promise<void> {
    this.leftSome = false;
    // Shares are computed from what each consumer owns now, not a second ago.
    await this.sharing.meet();
    const found = await this.abandoned.find();
    if (found.some(({ doubtful }) => doubtful)) {
      await sleep(this.options.clock, BENEFIT_OF_DOUBT, this.stopping.signal);
    }
    if (this.stopping.signal.aborted) return;
    if (this.options.claims()) await this.takeSome(found);
    else await this.tellOrTake(found);
    await this.handingOver.balance(found);
  }

  private async takeSome(found: readonly Abandoned[]): Promise<void> {
    const { owned, capacity } = this.options;
    const mine = this.sharing.mine(found);
    for (const wanted of chunksOf(shuffled(found), AT_ONCE)) {
      if (this.stopping.signal.aborted) return;
      let left = Math.min(capacity(), AT_ONCE);
      let share = mine - owned.size;
      const some = wanted.filter((one) => {
        if (left <= 0) return false;
        const take = share > 0 || one.since > this.patience(one);
        if (take) [left, share] = [left - 1, share - 1];
        else this.leftSome ||= !this.isHandedOver(one);
        return take;
      });
      await Promise.all(some.map((one) => this.take(one, false)));
    }
  }

  /** How long a stream is left to the consumers whose share it is, in milliseconds. */
  private patience(one: Abandoned): number {
    const part = this.isHandedOver(one) ? LEFT_OVER.handedOver : LEFT_OVER.lost;
    return part * this.options.scanInterval;
  }

  /** A consumer that has left the service gave its streams to no certain receiver. */
  private isHandedOver({ givenBack, owner }: Abandoned): boolean {
    return givenBack && this.sharing.isThere(owner);
  }

  /** A stream that cannot be taken does not keep others from being taken. */
  private async take({ assignment }: Abandoned, ours: boolean): Promise<void> {
    try {
      await this.options.take(assignment, ours);
    } catch (error) {
      this.options.onFailure(error as Error);
    }
  }

  private async tellOrTake(found: readonly Abandoned[]): Promise<void> {
    const { clock, consumer, idleTime, capacity, tellExpired } = this.options;
    const now = clock.now();
    const ids = new Set(found.map(({ assignment }) => assignment.id));
    for (const id of this.told.keys()) if (!ids.has(id)) this.told.delete(id);
    for (const one of found) {
      if (capacity() <= 0) return;
      // The input is pending to this consumer and not known here: the reply was lost, or an earlier
      // process of this name read it.
      if (one.owner === consumer) await this.take(one, true);
    }
    const isDue = (id: string): boolean => now - (this.told.get(id) ?? -Infinity) >= idleTime;
    const due = found.filter(({ owner, assignment }) => owner !== consumer && isDue(assignment.id));
    for (const { assignment } of await this.abandoned.still(due)) {
      if (capacity() <= 0) return;
      this.told.set(assignment.id, now);
      tellExpired(assignment);
    }
  }
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
