import { chunksOf } from '../core/collections/chunks.js';
import type { Clock } from '../core/clock.js';
import type { StreamAssignment } from './stream-assignment.js';
import type { StreamPlace } from '../core/held-stream.js';
import type {
  PendingInput,
  StreamInput,
  StreamInputs,
  StreamLocks,
} from '../ports/stream-ownership.js';
import { LEASE } from './balancer-settings.js';
import { assignmentOf, readInput, type Unusable } from './read-input.js';

/** An input that was given back is idle for a day, which nothing else ever is. */
const GIVEN_BACK = 43_200_000;

/** An input whose stream nobody owns. */
export interface Abandoned {
  readonly assignment: StreamAssignment;
  /** Consumer that has it pending. */
  readonly owner: string;
  /** Its owner gave it back, and lives. */
  readonly givenBack: boolean;
  /** Since it was first seen so, ms. */
  readonly since: number;
  /** Its owner may be just about to complete it. */
  readonly doubtful: boolean;
}

export interface AbandonedInputsOptions {
  readonly clock: Clock;
  readonly inputs: StreamInputs;
  readonly locks: StreamLocks;
  readonly consumer: string;
  readonly idleTime: number;
  readonly recoveryCount: number;
  /** Whether this consumer owns the stream of this input. */
  readonly owns: (id: string) => boolean;
  /** Whether a consumer locks what it reads at once, as those of this library do. */
  readonly isMember: (consumer: string) => boolean;
  /** Whether a consumer of this library takes part now. */
  readonly isThere: (consumer: string) => boolean;
  readonly onUnusable: (input: StreamInput, reason: Unusable) => Promise<void>;
}

/**
 * Finds the inputs that are pending and whose lock nobody keeps alive. A lock that lives is a healthy
 * owner, however old the input is.
 */
export class AbandonedInputs {
  private known = new Map<string, StreamAssignment>();
  /** Engine time at which an input was first seen without an owner, ms. */
  private readonly bareSince = new Map<string, number>();
  /** Their lock was seen, or they wait: where there is none, it is not just about to be made. */
  private readonly lockSeen = new Set<string>();

  /** When the connection was last there again, engine time, ms. */
  private reconnectedAt: number | undefined;
  /** Until the last look would have found more, ms. */
  ripensIn = Infinity;

  constructor(private readonly options: AbandonedInputsOptions) {}

  /**
   * Locks have expired, maybe of this service: each proves that its input was locked.
   * @returns whether one is of this service
   */
  async expired(places: readonly StreamPlace[]): Promise<boolean> {
    await this.learnHinted(places.filter(({ id }) => !this.known.has(id)));
    const ours = places.filter(({ id, stream }) => this.known.get(id)?.stream === stream);
    for (const { id } of ours) this.lockSeen.add(id);
    return ours.length > 0;
  }

  /** Locks may have expired without a hint. */
  reconnected(): void {
    this.reconnectedAt = this.options.clock.now();
  }

  /** Those that wait for a stream which is owned by way of another input are not abandoned. */
  async find(): Promise<Abandoned[]> {
    const { owns, locks } = this.options;
    const rows = await this.allPending();
    await this.learn(rows);
    this.forgetAllBut(rows);
    const others = rows.filter(({ id }) => !owns(id) && this.known.has(id));
    const holders = await locks.holders(others.map(({ id }) => this.known.get(id)!));
    const bare = new Set(others.filter((row, index) => this.isBare(row, holders[index])));
    const alive = rows.filter((row) => !bare.has(row));
    const owned = new Set(alive.map(({ id }) => this.known.get(id)?.stream));
    const waits = ({ id }: PendingInput): boolean => owned.has(this.known.get(id)!.stream);
    const delays = [...bare].map((row) => this.outlivesIn(row) ?? 0).filter((ms) => ms > 0);
    this.ripensIn = Math.min(...delays);
    const ripe = [...bare].filter((row) => this.isRipe(row));
    await this.await(ripe.filter(waits));
    return ripe.filter((row) => !waits(row)).map((row) => this.abandoned(row));
  }

  /** Nobody is to begin with them meanwhile: other programs take what is old. */
  private async await(waiting: readonly PendingInput[]): Promise<void> {
    const { consumer, inputs, isThere } = this.options;
    for (const { id } of waiting) {
      this.lockSeen.add(id);
      // Nobody has failed to take it yet.
      this.bareSince.delete(id);
    }
    const old = waiting.filter(
      ({ owner, idle }) => idle >= LEASE && (owner === consumer || !isThere(owner)),
    );
    if (old.length > 0) await inputs.adopt(old);
  }

  private async allPending(): Promise<PendingInput[]> {
    const { inputs, recoveryCount } = this.options;
    const rows: PendingInput[] = [];
    for (let after: string | undefined; ;) {
      const page = await inputs.pending(after, recoveryCount);
      rows.push(...page);
      if (page.length < recoveryCount) return rows;
      after = page.at(-1)!.id;
    }
  }

  /** What an input says never changes. */
  private async learn(rows: readonly PendingInput[]): Promise<void> {
    const { inputs, recoveryCount } = this.options;
    const unknown = rows.filter(({ id }) => !this.known.has(id));
    for (const some of chunksOf(unknown, recoveryCount)) {
      const read = await inputs.read(some.map(({ id }) => id));
      for (const [index, input] of read.entries()) await this.learnOne(some[index]!, input);
    }
  }

  private async learnOne(row: PendingInput, input: StreamInput): Promise<void> {
    const { inputs, idleTime, owns, onUnusable } = this.options;
    const said = readInput(input, inputs);
    if (typeof said === 'object') this.known.set(input.id, said);
    // Without its data it is unknown whether its stream is owned: its owner may yet complete it.
    else if ((said || row.idle >= idleTime) && !owns(input.id)) {
      await onUnusable(input, said ?? 'unparseable');
    }
  }

  /** Locks of other services expire, too. */
  private async learnHinted(places: readonly StreamPlace[]): Promise<void> {
    if (places.length === 0) return;
    const { inputs } = this.options;
    for (const input of await inputs.read(places.map(({ id }) => id))) {
      const assignment = assignmentOf(input, inputs);
      if (assignment) this.known.set(input.id, assignment);
    }
  }

  private forgetAllBut(rows: readonly PendingInput[]): void {
    const pending = new Set(rows.map(({ id }) => id));
    for (const memory of [this.known, this.bareSince, this.lockSeen]) {
      for (const id of memory.keys()) if (!pending.has(id)) memory.delete(id);
    }
  }

  private isBare({ id }: PendingInput, holder: string | undefined): boolean {
    if (holder !== undefined) {
      this.lockSeen.add(id);
      this.bareSince.delete(id);
      return false;
    }
    if (!this.bareSince.has(id)) this.bareSince.set(id, this.options.clock.now());
    return true;
  }

  /** Between reading an input and locking it, its reader must not be forestalled. */
  private isRipe(row: PendingInput): boolean {
    const { id, owner, idle } = row;
    const { isMember, consumer, idleTime } = this.options;
    if (owner === consumer || isMember(owner)) return idle >= LEASE || this.lockSeen.has(id);
    return this.lockSeen.has(id) || idle >= idleTime || (this.outlivesIn(row) ?? 1) <= 0;
  }

  /**
   * What was handed out before an outage of the connection has no lock because its owner is gone, or has
   * not noticed yet that the connection is there again.
   * @returns until there can be no such owner any more, ms
   */
  private outlivesIn({ id, idle }: PendingInput): number | undefined {
    const { reconnectedAt } = this;
    if (reconnectedAt === undefined) return undefined;
    const now = this.options.clock.now();
    if (idle < now - reconnectedAt) return undefined;
    return Math.max(reconnectedAt, this.bareSince.get(id)!) + LEASE - now;
  }

  /** Of those that were found before, those that still are abandoned: some may have been finished since. */
  async still(found: readonly Abandoned[]): Promise<Abandoned[]> {
    const { inputs, locks } = this.options;
    if (found.length === 0) return [];
    const places = found.map(({ assignment }) => assignment);
    const read = await inputs.read(places.map(({ id }) => id));
    const holders = await locks.holders(places);
    return found.filter((_, at) => read[at]?.fields && holders[at] === undefined);
  }

  private abandoned({ id, owner, idle }: PendingInput): Abandoned {
    const { clock, consumer, isMember } = this.options;
    return {
      assignment: this.known.get(id)!,
      owner,
      givenBack: idle >= GIVEN_BACK,
      since: clock.now() - this.bareSince.get(id)!,
      // Others unlock first and acknowledge then.
      doubtful: owner !== consumer && !isMember(owner),
    };
  }
}
