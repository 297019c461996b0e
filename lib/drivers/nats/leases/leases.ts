import { systemClock } from '../../../core/clock.js';
import { grouped } from '../../../core/collections/grouped.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { BeginOutcome, ExtendOutcome, LeaseState } from '../../../core/lease.js';
import type { NatsConnection } from '../connection/nats-connection.js';
import { ClaimProblems } from './claim-problems.js';
import { claimEntry, type Claim } from './claim-runs.js';
import { freshMargin, freshUntil } from './fresh.js';
import type { LeaseReading, NatsLease } from './nats.lease.js';
import { InProgress } from './in-progress.js';
import { OwnersReturn } from './owners-return.js';
import { ownerOf, writeRecord, type Wanted } from './run-fence.js';
import { RECORDS_LIVE, type RunRecords } from './run-records.js';

export interface LeasesOptions {
  readonly connection: NatsConnection;
  readonly records: RunRecords;
  readonly events: EventBus;
  /** The server's clock, in milliseconds since the epoch. */
  readonly serverTime: () => number | Promise<number>;
}

/**
 * Knows who has an entry, and counts its runs.
 *
 * A delivery keeps an entry from all other consumers for `ackWait`. A lease is fresh for as long as
 * that surely holds, and needs no look at the server then. In all other cases the record of the
 * entry decides: the first consumer that writes it has the entry.
 */
export class Leases {
  private readonly inProgress: InProgress;
  private readonly problems: ClaimProblems;
  /** What was told to a server before may not have reached it, or the server may have started since. */
  private connectedAt = 0;
  private readonly owners: OwnersReturn;

  constructor(private readonly options: LeasesOptions) {
    this.inProgress = new InProgress(options.connection);
    this.problems = new ClaimProblems(options.events);
    this.owners = new OwnersReturn(options.connection);
    options.connection.onReconnect(() => (this.connectedAt = systemClock.now()));
  }

  /** Whether no other consumer can have the entry now. */
  isFresh(lease: NatsLease, now = systemClock.now()): boolean {
    return lease.standing === 'held' && (lease.trimmed || this.lasts(lease, now));
  }

  /** Whether the last delivery of the entry surely keeps it from others. */
  lasts({ reading, freshUntil: until, generation }: NatsLease, now = systemClock.now()): boolean {
    if (now >= until || now >= reading.knownUntil) return false;
    if (generation !== reading.generation) return false;
    return until - reading.ackWait + freshMargin(reading.ackWait) >= this.connectedAt;
  }

  /**
   * Claims entries that were delivered again, for leases that were not handed out and for those that
   * are held here. Never rejects: what cannot be claimed now is `lost`, and delivered again. Why is told
   * with `worker-error`, unless the server cannot be reached.
   */
  claim(leases: readonly NatsLease[]): Promise<Claim[]> {
    return Promise.all(
      leases.map(async (lease): Promise<Claim> => {
        try {
          const { records, serverTime } = this.options;
          const ownersReturn = () => this.owners.isUnderWay;
          const parts = { records, serverTime, ownersReturn };
          const claim = await lease.inTurn(() => claimEntry(lease, parts));
          if (claim === 'later') {
            this.owners.putOff(lease);
            return 'lost';
          }
          // Its acknowledgement came too late for the server.
          if (claim === 'gone') this.options.connection.live?.publish(lease.ackSubject);
          return claim;
        } catch (error) {
          this.problems.tell(error as Error);
          return 'lost';
        }
      }),
    );
  }

  /** As `Subscription.begin`. */
  async begin(lease: NatsLease): Promise<BeginOutcome> {
    if (lease.trimmed) return 'gone';
    const [message, [owner]] = await Promise.all([
      mayHave(lease) ? lease.reading.get(lease.sequence) : undefined,
      this.hold([lease], { looks: false }),
    ]);
    if (owner instanceof Error) throw owner;
    if (owner !== 'held') return owner!;
    if (!message) return this.deleted(lease);
    const [counted] = await Promise.all([
      lease.inTurn(() => this.write(lease, { runs: lease.attempt + 1 })),
      this.keepFresh(lease.reading, [lease]),
    ]);
    if (counted !== 'held') return counted;
    lease.attempt++;
    lease.charged = true;
    lease.fields = message.fields;
    return 'started';
  }

  /** As `Subscription.extend`. */
  async extend(leases: readonly NatsLease[]): Promise<ExtendOutcome[]> {
    const outcomes = new Map<NatsLease, ExtendOutcome>();
    const readings = grouped(leases, ({ reading }) => reading);
    await Promise.all(
      [...readings].map(([reading, same]) => this.extendAll(reading, same, outcomes)),
    );
    return leases.map((lease) => outcomes.get(lease)!);
  }

  /**
   * Makes sure that these leases have their entries, for a step that no other run may do. Returns who
   * has each. Those that are not fresh ask the server, and are fresh again.
   * @param looks whether to look at the records of fresh ones, too: another consumer that had an entry
   * before may have acknowledged it. The step that follows need not write the record then.
   */
  async hold(leases: readonly NatsLease[], { looks = true } = {}): Promise<(LeaseState | Error)[]> {
    const failed = new Map<NatsLease, Error>();
    const mine = leases.filter(mayHave);
    await Promise.all(
      [...grouped(mine, ({ reading }) => reading)].map(async ([reading, same]) => {
        const late = same.filter((lease) => !this.isFresh(lease));
        const redelivered = same.filter(
          (lease) => looks && this.isFresh(lease) && needsLook(lease),
        );
        const noting = (some: readonly NatsLease[]) => (error: Error) => {
          for (const lease of some) failed.set(lease, error);
        };
        await Promise.all([
          late.length > 0 && this.prove(reading, late).catch(noting(late)),
          ...redelivered.map((lease) => this.look(lease).catch(noting([lease]))),
        ]);
      }),
    );
    return leases.map((lease) => failed.get(lease) ?? standingOf(lease));
  }

  /** Writes the record of a lease that has its entry. Returns who has it. */
  write(lease: NatsLease, wanted: Wanted): Promise<LeaseState> {
    return writeRecord(this.options.records, lease, wanted);
  }

  /** Keeps entries of fresh leases from others. A lease stays as fresh as it was where this took too long. */
  async keepFresh(reading: LeaseReading, leases: readonly NatsLease[]): Promise<void> {
    const since = systemClock.now();
    if (!(await this.inProgress.tell(leases))) return;
    const now = systemClock.now();
    for (const lease of leases) {
      if (!lease.doubtful && this.isFresh(lease, now))
        lease.freshUntil = freshUntil(since, reading.ackWait);
    }
  }

  /** Ends a lease whose message was deleted, and tells of it. */
  deleted(lease: NatsLease): 'gone' {
    const { stream, holder } = lease;
    if (lease.standing !== 'gone' && !lease.trimmed) {
      this.options.events.emit('trimmed', { stream, group: holder.group, count: 1 });
    }
    lease.standing = 'gone';
    return 'gone';
  }

  private async extendAll(
    reading: LeaseReading,
    leases: readonly NatsLease[],
    outcomes: Map<NatsLease, ExtendOutcome>,
  ): Promise<void> {
    const held = leases.filter(({ standing, trimmed }) => standing === 'held' && !trimmed);
    const fresh = held.filter((lease) => !lease.doubtful && this.isFresh(lease));
    for (const lease of leases) outcomes.set(lease, lease.trimmed ? 'gone' : standingOf(lease));
    if (!leases.some(mayHave)) return;
    const [first] = await Promise.all([
      held.length > 0 ? reading.firstSequence() : 0,
      fresh.length > 0 && this.keepFresh(reading, fresh),
      ...leases.filter(needsLook).map(async (lease) => {
        await this.look(lease);
        outcomes.set(lease, standingOf(lease));
      }),
    ]);
    const late = held.filter((lease) => {
      return lease.standing === 'held' && (lease.doubtful || !this.isFresh(lease));
    });
    if (late.length > 0) await this.prove(reading, late);
    for (const lease of late) outcomes.set(lease, standingOf(lease));
    for (const lease of held) {
      if (lease.sequence >= first || outcomes.get(lease) !== 'held') continue;
      outcomes.set(lease, 'trimmed');
      this.tellTrimmed(lease);
    }
  }

  private tellTrimmed(lease: NatsLease): void {
    const { stream, holder } = lease;
    lease.trimmed = true;
    this.options.events.emit('trimmed', { stream, group: holder.group, count: 1 });
  }

  /** Looks who has the entry of a lease whose entry others had before, or may take. */
  private async look(lease: NatsLease): Promise<void> {
    const owner = ownerOf(lease, await this.options.records.read(lease.key));
    if (owner !== 'held') lease.standing = owner;
    else if (isOld(lease)) await lease.inTurn(() => this.write(lease, { runs: lease.attempt }));
  }

  /**
   * Makes leases fresh that were late, by their records. A record answers for all deliveries that were made
   * before it. The server may have put the entry in the queue of what it delivers again, and deliver it at
   * any time: the consumer that gets it finds that the record keeps it.
   */
  private async prove(reading: LeaseReading, leases: readonly NatsLease[]): Promise<void> {
    await this.inProgress.tell(leases);
    const last = await reading.delivered();
    await Promise.all(
      leases.map(async (lease) => {
        if (last?.generation === lease.generation) {
          await lease.inTurn(() => this.takeBack(lease, last.consumerSequence));
        } else lease.standing = last ? 'lost' : 'gone';
      }),
    );
  }

  private async takeBack(lease: NatsLease, upTo: number): Promise<void> {
    // It was settled meanwhile.
    if (!mayHave(lease)) return;
    const owner = await this.write(lease, { runs: lease.attempt, upTo, state: 'kept' });
    if (owner !== 'held') return;
    lease.standing = 'held';
    lease.doubtful = true;
    lease.consumerSequence = upTo;
  }
}

const mayHave = ({ standing }: NatsLease): boolean => standing === 'held' || standing === 'offered';

const standingOf = (lease: NatsLease): LeaseState =>
  lease.standing === 'offered' ? 'held' : lease.standing;

/** A record that would be deleted soon. */
const isOld = (lease: NatsLease): boolean =>
  lease.revision > 0 && systemClock.now() - lease.writtenAt > RECORDS_LIVE / 2;

const needsLook = (lease: NatsLease): boolean =>
  mayHave(lease) && !lease.trimmed && (lease.deliveries > 1 || lease.offered || isOld(lease));
