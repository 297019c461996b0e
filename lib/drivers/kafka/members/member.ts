import { Backoff } from '../../../core/backoff.js';
import { sleep, systemClock, within } from '../../../core/clock.js';
import { ReadAnswers } from '../../connections/read-answers.js';
import { WakeUp } from '../../connections/wake-up.js';
import type { CommittedOffset } from '../connection/kafka-client.js';
import type { Membership } from '../connection/kafka-group.js';
import { KafkaInstanceTakenError } from '../errors/kafka-reading.errors.js';
import { isReply } from '../errors/kafka-reply.error.js';
import { encodeClaim } from './claim.js';
import { expelledError, isExpelled, rebalancingError } from './expelled.js';
import type { MemberParts } from './member-parts.js';
import { Fencings } from './fencings.js';
import { KnownLeaders } from './known-leaders.js';
import { OwnedPartitions, type Revocation } from './owned-partitions.js';
import { Session } from './session.js';
import { sharesOf } from './share-partitions.js';

/** Longest wait of `stop` for the answer of the broker, in milliseconds. */
const LAST_WORD = 1000;

/**
 * A member of a Kafka group that reads one topic. Joins, shows that it lives, and joins again whenever
 * the group rebalances or the connection is lost, until `stop`. Partitions that stay with the member are
 * not disturbed by a rebalance.
 */
export class Member {
  readonly answers = new ReadAnswers();
  private readonly session: Session;
  private readonly leaders: KnownLeaders;
  private readonly owned = new OwnedPartitions();
  private readonly wakeUp = new WakeUp();
  private readonly backoff = new Backoff(50, 2000);
  private readonly ending = new AbortController();
  private membership: Membership | undefined;
  /** The id under which the broker knows this member, also before it has a generation. */
  private memberId = '';
  private named!: () => void;
  /** Resolves when the broker has given this member its first id. */
  private readonly naming = new Promise<void>((resolve) => (this.named = resolve));
  private running: Promise<void> | undefined;
  private readonly fencings = new Fencings();
  private joinAgain = false;
  private stopped = false;
  private silenced = false;

  constructor(private readonly parts: MemberParts) {
    this.session = new Session(parts.sessionTimeout);
    this.leaders = new KnownLeaders(parts, () => this.rejoin());
  }

  /** Begins to join. */
  start(): void {
    this.session.start();
    this.answers.asked();
    this.running ??= this.run();
  }

  /**
   * False: the session may be over, and others may have the partitions. A process that was frozen
   * finds out so before it hands anything out.
   */
  get isAlive(): boolean {
    return this.membership !== undefined && this.session.isAlive;
  }

  /**
   * Commits offsets of partitions that this member still has; others are left out.
   * @throws KafkaReplyError REBALANCE_IN_PROGRESS where it can be tried again in some milliseconds, and
   * ILLEGAL_GENERATION or UNKNOWN_MEMBER_ID where the partitions are lost
   */
  async commit(offsets: readonly CommittedOffset[]): Promise<void> {
    const { membership } = this;
    const own = offsets.filter(({ partition }) => this.owned.has(partition));
    if (!membership || own.length === 0) throw expelledError();
    const sentAt = systemClock.now();
    try {
      await this.parts.group.commit(membership, own);
      this.session.heard(sentAt);
    } catch (error) {
      if (this.membership !== membership || this.session.joining) {
        if (isReply(error, 'ILLEGAL_GENERATION')) throw rebalancingError();
      } else if (isExpelled(error)) this.expelled(error);
      else if (isReply(error, 'REBALANCE_IN_PROGRESS')) this.rejoin();
      throw error;
    }
  }

  /** Leaves the group. Call it when nothing is in hand any more. Idempotent. Never rejects. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.ending.abort();
    this.leaders.stop();
    this.session.stop();
    this.wakeUp.wake();
    this.membership = undefined;
    // Also while it joins: all others would wait for it until its session is over.
    const isUnnamed = this.session.joining && this.memberId === '';
    if (isUnnamed) await within(systemClock, LAST_WORD, this.naming);
    if (this.memberId !== '' && !this.silenced) {
      const left = this.parts.group.leave(this.memberId).catch(() => undefined);
      await within(systemClock, LAST_WORD, left);
    }
    // What is under way may wait for a broker that says nothing, until its connection is broken.
    const ended = Promise.all([this.parts.group.close(), this.running]).catch(() => undefined);
    await within(systemClock, LAST_WORD, ended);
    this.parts.hooks.onLost(this.owned.clear());
  }

  /** Sends nothing more and does not leave, as if the process were dead. For tests. */
  silence(): void {
    this.silenced = true;
    this.ending.abort();
    this.wakeUp.wake();
  }

  private async run(): Promise<void> {
    while (!this.stopped && !this.silenced) {
      try {
        if (this.fencings.areNew) await this.pause(this.fencings.pause());
        if (!(await this.leaders.look())) return this.missing();
        await this.join();
        this.backoff.reset();
        await this.stay();
      } catch (error) {
        await this.failed(error as Error);
      }
    }
  }

  private missing(): void {
    if (this.stopped) return;
    this.parts.hooks.onLost(this.owned.clear());
    this.parts.hooks.onMissing();
  }

  private async join(): Promise<void> {
    this.joinAgain = false;
    this.session.joining = true;
    try {
      const { group } = this.parts;
      const joined = await group.join({
        memberId: this.memberId,
        claim: this.claim(),
        onMemberId: (id) => {
          this.memberId = id;
          this.named();
        },
      });
      this.memberId = joined.memberId;
      const { memberId, generation } = joined;
      // Commits of this generation are refused until it is in sync, and tried again.
      this.membership = { memberId, generation };
      const syncedAt = systemClock.now();
      const shares = sharesOf(joined.members, this.leaders.partitions);
      const partitions = await group.sync(this.membership, shares);
      if (this.stopped) return;
      this.session.heard(syncedAt);
      this.answers.answered();
      this.assigned(partitions);
    } finally {
      this.session.joining = false;
    }
  }

  /** Shows that the member lives until it has to join again. */
  private async stay(): Promise<void> {
    while (!this.stopped && !this.silenced) {
      await this.wakeUp.wait(this.session.beat);
      if (this.stopped || this.silenced) break;
      this.leaders.lookWhereDue();
      if (this.joinAgain) return;
      const sentAt = systemClock.now();
      try {
        await this.parts.group.heartbeat(this.membership!);
        this.session.heard(sentAt);
        this.answers.answered();
      } catch (error) {
        if (isReply(error, 'REBALANCE_IN_PROGRESS')) return;
        throw error;
      }
    }
  }

  /** The leaders of partitions may have moved, or there may be more partitions. */
  lookAgain(): void {
    this.leaders.lookAgain();
    this.wakeUp.wake();
  }

  private claim(): Buffer {
    return encodeClaim({
      partitions: this.owned.all,
      generation: this.membership?.generation ?? -1,
      known: this.leaders.partitions.length,
    });
  }

  private assigned(partitions: readonly number[]): void {
    const { added, revoked } = this.owned.assign(partitions);
    this.parts.hooks.onAssigned(added);
    if (revoked.partitions.length > 0) void this.giveUp(revoked);
  }

  private async giveUp(revoked: Revocation): Promise<void> {
    const { hooks, rebalanceTimeout } = this.parts;
    await within(systemClock, rebalanceTimeout, hooks.onLeaving(revoked.partitions));
    const { gone, back } = this.owned.gaveUp(revoked);
    if (gone.length === 0) return;
    hooks.onLost(gone);
    if (back.length > 0) hooks.onAssigned(back);
    if (gone.length > back.length) this.rejoin();
  }

  private rejoin(): void {
    this.joinAgain = true;
    this.wakeUp.wake();
  }

  private async failed(error: Error): Promise<void> {
    if (this.stopped || this.silenced) return;
    if (isReply(error, 'REBALANCE_IN_PROGRESS')) return;
    if (isExpelled(error)) return this.expelled(error);
    this.answers.failed(error);
    this.parts.hooks.onFailed(error);
    await this.pause(this.backoff.next());
  }

  /** A look at the leaders does not end it. */
  private pause(ms: number): Promise<void> {
    return sleep(systemClock, ms, this.ending.signal);
  }

  private expelled(error: unknown): void {
    this.forgetMembership();
    this.rejoin();
    this.parts.hooks.onLost(this.owned.clear());
    const { instanceId } = this.parts;
    if (instanceId === undefined || !isReply(error, 'FENCED_INSTANCE_ID')) return;
    this.fencings.add();
    if (this.fencings.areNew) this.parts.hooks.onFailed(new KafkaInstanceTakenError(instanceId));
  }

  private forgetMembership(): void {
    this.membership = undefined;
    this.memberId = '';
  }
}
