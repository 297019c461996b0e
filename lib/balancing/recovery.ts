import { sleep, type Clock } from '../core/clock.js';
import type { StreamAssignment } from '../core/stream-assignment.js';
import type { StreamPlace } from '../core/held-stream.js';
import type {
  BalancerMember,
  BalancerMembers,
  StreamInput,
  StreamInputs,
  StreamLocks,
} from '../core/stream-ownership.js';
import type { Worker } from '../core/worker.js';
import { AbandonedInputs, type Abandoned } from './abandoned-inputs.js';
import { ABSENT_AFTER, MEETING, type BalancerSettings } from './balancer-settings.js';
import { decodeShare, encodeShare, fairShares, type Sharer } from './fair-share.js';
import type { OwnedStream, OwnedStreams } from './owned-stream.js';

/** Streams that are taken, or handed over, side by side. */
const AT_ONCE = 20;
/** A hint waits a little, for others like it, and because everybody has got it, ms. */
const HINT_DELAY = { least: 10, spread: 100 };
/** In this time an owner that has unlocked a stream has acknowledged it too, ms. */
const BENEFIT_OF_DOUBT = 200;
/** Looks after which a stream is taken by whoever has room, whatever his share. */
const LEFT_OVER_AFTER = 2;
/** Share of its streams that a consumer may have too many before it hands some over. */
const TOLERANCE = 0.05;

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
  readonly handOver: (owned: OwnedStream) => Promise<void>;
  readonly discard: (input: StreamInput, reason: string) => Promise<void>;
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
  private members: readonly BalancerMember[] = [];
  /** When the application was told of an expired stream, by the id of its input, ms. */
  private readonly told = new Map<string, number>();
  private loops: readonly Promise<void>[] = [];

  constructor(private readonly options: RecoveryOptions) {
    this.abandoned = new AbandonedInputs({
      ...options,
      owns: (id) => options.owned.hasInput(id),
      isMember: (consumer) => this.members.some((member) => member.consumer === consumer),
      onUnreadable: (input) => options.discard(input, 'unparseable'),
    });
  }

  async start(): Promise<void> {
    await this.meet();
    this.loops = [
      this.repeat(
        () => this.meet(),
        () => sleep(this.options.clock, MEETING, this.stopping.signal),
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
    if (this.hinted || !this.abandoned.expired(place)) return;
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

  private async meet(): Promise<void> {
    const { members, owned, maxStreams } = this.options;
    this.members = await members.meet(encodeShare(owned.size, maxStreams));
  }

  /** Everybody looks at other times, so that few try to take the same. */
  private async pause(): Promise<void> {
    const { clock, scanInterval } = this.options;
    this.waiting = new AbortController();
    if (!this.hinted && !this.stopping.signal.aborted) {
      await sleep(clock, scanInterval * (0.8 + 0.2 * Math.random()), this.waiting.signal);
    }
    if (!this.hinted) return;
    const { least, spread } = HINT_DELAY;
    await sleep(clock, least + spread * Math.random(), this.stopping.signal);
    this.hinted = false;
  }

  private async look(): Promise<void> {
    // Shares are reckoned by what everybody owns now, not a second ago.
    await this.meet();
    const found = await this.abandoned.find();
    if (found.some(({ doubtful }) => doubtful)) {
      await sleep(this.options.clock, BENEFIT_OF_DOUBT, this.stopping.signal);
    }
    if (this.stopping.signal.aborted) return;
    const shares = this.shares(found);
    if (this.options.claims()) await this.takeSome(found, shares);
    else await this.tellOrTake(found);
    this.balance(shares);
  }

  /** What each consumer that lives should own, of all that is owned by them, or by nobody. */
  private shares(found: readonly Abandoned[]): Shares {
    const { consumer, owned, maxStreams } = this.options;
    // Who has let locks expire is dead, or stands still, whatever it said a moment ago.
    const dead = new Set(found.filter((one) => !one.givenBack).map(({ owner }) => owner));
    const others = this.members
      .filter(
        (one) => one.consumer !== consumer && one.age < ABSENT_AFTER && !dead.has(one.consumer),
      )
      .map((one) => decodeShare(one.consumer, one.said))
      .filter((one) => one !== undefined);
    const mine = { consumer, owned: owned.size, limit: maxStreams };
    const all = [...others, mine];
    const total = all.reduce((sum, one) => sum + one.owned, found.length);
    const shares = fairShares(total, all);
    return { others, mine: shares.get(consumer)!, of: (one) => shares.get(one.consumer)! };
  }

  private async takeSome(found: readonly Abandoned[], shares: Shares): Promise<void> {
    const { owned, room, scanInterval } = this.options;
    const late = LEFT_OVER_AFTER * scanInterval;
    const wanted = shuffled(found);
    for (let at = 0; at < wanted.length && !this.stopping.signal.aborted; at += AT_ONCE) {
      let left = Math.min(room(), AT_ONCE);
      let share = shares.mine - owned.size;
      const some = wanted.slice(at, at + AT_ONCE).filter(({ since }) => {
        const take = left > 0 && (share > 0 || since > late);
        if (take) [left, share] = [left - 1, share - 1];
        return take;
      });
      await Promise.all(some.map((one) => this.options.take(one.assignment, false)));
    }
  }

  private async tellOrTake(found: readonly Abandoned[]): Promise<void> {
    const { clock, consumer, idleTime, room, take, tellExpired } = this.options;
    const now = clock.now();
    const ids = new Set(found.map(({ assignment }) => assignment.id));
    for (const id of this.told.keys()) if (!ids.has(id)) this.told.delete(id);
    for (const { assignment, owner } of found) {
      if (room() <= 0) return;
      // Handed out to us, and unknown here: the reply was lost, or we were another process then.
      if (owner === consumer) await take(assignment, true);
      else if (now - (this.told.get(assignment.id) ?? -Infinity) >= idleTime) {
        this.told.set(assignment.id, now);
        tellExpired(assignment);
      }
    }
  }

  /** Hands over what is too much, where others have too little. */
  private balance({ others, mine, of }: Shares): void {
    const { owned, claims, rebalance, handOver, onFailure } = this.options;
    if (!rebalance || !claims()) return;
    const missing = others.reduce((sum, one) => sum + Math.max(0, of(one) - one.owned), 0);
    const staying = [...owned].filter(({ leaving }) => !leaving);
    const surplus = staying.length - mine;
    if (surplus <= mine * TOLERANCE) return;
    const some = Math.min(surplus, missing, AT_ONCE);
    // Each ends when the message in hand is settled: nothing else has to wait for that.
    for (const one of some > 0 ? staying.slice(-some) : []) handOver(one).catch(onFailure);
  }
}

interface Shares {
  readonly others: readonly Sharer[];
  readonly mine: number;
  readonly of: (sharer: Sharer) => number;
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
