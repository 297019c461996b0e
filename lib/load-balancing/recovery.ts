import { chunksOf } from '../core/collections/chunks.js';
import { sleep, type Clock } from '../core/clock.js';
import type { StreamAssignment } from './stream-assignment.js';
import type { StreamPlace } from '../core/held-stream.js';
import type {
  BalancerMembers,
  StreamInput,
  StreamInputs,
  StreamLocks,
} from '../ports/stream-ownership.js';
import type { Worker } from '../core/worker.js';
import { AbandonedInputs, type Abandoned } from './abandoned-inputs.js';
import type { BalancerSettings } from './balancer-settings.js';
import { StreamHandOver, type StreamHandOverOptions } from './hand-over.js';
import { LockExpiries } from './lock-expiries.js';
import type { OwnedStreams } from './owned-stream.js';
import type { Unusable } from './read-input.js';
import { Sharing } from './sharing.js';

/** Streams that are taken side by side. */
const AT_ONCE = 20;
/** A hint waits a little, for others like it, and because everybody has got it, ms. */
const HINT_DELAY = { least: 10, spread: 100 };
/** In this time an owner that has unlocked a stream has acknowledged it too, ms. */
const BENEFIT_OF_DOUBT = 200;
/** Parts of `scanInterval` from one look to the next. */
const NEXT_LOOK = { least: 0.7, spread: 0.2 };
/** Where streams were left to others, whose share they are: so that nothing waits for longer than it. */
const SECOND_LOOK = 0.1;
/** Parts of it after which a stream is taken by whoever has room, and one that was handed over. */
const LEFT_OVER = { lost: SECOND_LOOK / 2, handedOver: 1.5 };

export interface RecoveryOptions extends BalancerSettings {
  readonly clock: Clock;
  readonly inputs: StreamInputs;
  readonly locks: StreamLocks;
  readonly members: BalancerMembers;
  readonly owned: OwnedStreams;
  /** How many more streams may be owned. */
  readonly room: () => number;
  /** Whether abandoned streams are taken here. Else they are told of, and the application claims. */
  readonly claims: () => boolean;
  readonly take: (assignment: StreamAssignment, ours: boolean) => Promise<boolean>;
  readonly tellExpired: (assignment: StreamAssignment) => void;
  /** An input that was handed over to this consumer, locked in its name. */
  readonly accept: (id: string, token: number) => Promise<void>;
  readonly handOver: StreamHandOverOptions['handOver'];
  readonly discard: (input: StreamInput, reason: Unusable) => Promise<void>;
  readonly onFailure: (error: Error) => void;
}

/**
 * The look for streams that nobody owns, at jittered intervals and after hints: takes them or tells of
 * them, and hands streams over where others have fewer.
 */
export class Recovery implements Worker {
  private readonly abandoned: AbandonedInputs;
  private readonly stopping = new AbortController();
  private waiting = new AbortController();
  private hinted = false;
  private readonly hints: LockExpiries;
  /** The last look left to others what nobody may take. */
  private leftSome = false;
  private readonly sharing: Sharing;
  private readonly handingOver: StreamHandOver;
  /** When the application was told of an expired stream, by the id of its input, ms. */
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

  /** Makes itself known to the others. */
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

  /** A lock has expired, maybe. */
  hint(place: StreamPlace): void {
    this.hints.add(place);
  }

  /** Hints may have been missed. */
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

  /** Everybody looks at other times, so that few try to take the same. */
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
    // Shares are reckoned by what everybody owns now, not a second ago.
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
    const { owned, room } = this.options;
    const mine = this.sharing.mine(found);
    for (const wanted of chunksOf(shuffled(found), AT_ONCE)) {
      if (this.stopping.signal.aborted) return;
      let left = Math.min(room(), AT_ONCE);
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

  /** How long a stream is left to whose share it is, ms. */
  private patience(one: Abandoned): number {
    const part = this.isHandedOver(one) ? LEFT_OVER.handedOver : LEFT_OVER.lost;
    return part * this.options.scanInterval;
  }

  /** Not by one who has left: that one meant nobody. */
  private isHandedOver({ givenBack, owner }: Abandoned): boolean {
    return givenBack && this.sharing.isThere(owner);
  }

  /** Whatever keeps one stream from being taken keeps no other. */
  private async take({ assignment }: Abandoned, ours: boolean): Promise<void> {
    try {
      await this.options.take(assignment, ours);
    } catch (error) {
      this.options.onFailure(error as Error);
    }
  }

  private async tellOrTake(found: readonly Abandoned[]): Promise<void> {
    const { clock, consumer, idleTime, room, tellExpired } = this.options;
    const now = clock.now();
    const ids = new Set(found.map(({ assignment }) => assignment.id));
    for (const id of this.told.keys()) if (!ids.has(id)) this.told.delete(id);
    for (const one of found) {
      if (room() <= 0) return;
      // Handed out to us, and unknown here: the reply was lost, or we were another process then.
      if (one.owner === consumer) await this.take(one, true);
    }
    const isDue = (id: string): boolean => now - (this.told.get(id) ?? -Infinity) >= idleTime;
    const due = found.filter(({ owner, assignment }) => owner !== consumer && isDue(assignment.id));
    for (const { assignment } of await this.abandoned.still(due)) {
      if (room() <= 0) return;
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
