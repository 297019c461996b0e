import { chunksOf } from '../core/collections/chunks.js';
import type { Clock } from '../core/clock.js';
import type { StreamAssignment } from './stream-assignment.js';
import type { StreamPlace } from '../core/held-stream.js';
import type { PendingInput, StreamInput, StreamInputs } from '../ports/stream-inputs.js';
import type { StreamLocks } from '../ports/stream-locks.js';
import { LEASE } from './balancer-settings.js';
import { assignmentOf, readInput, type Unusable } from './read-input.js';

/**
 * An input that its owner gave back has an idle time of a day. No other input is idle for that
 * long.
 */
const GIVEN_BACK = 43_200_000;

/** An input whose stream has no owner. */
export interface Abandoned {
  readonly assignment: StreamAssignment;
  /** Consumer to which the input is pending. */
  readonly owner: string;
  /** The owner gave the input back, and is still a live consumer. */
  readonly givenBack: boolean;
  /** Time since this consumer first saw the input without an owner, in milliseconds. */
  readonly since: number;
  /** The owner may be about to complete the input. */
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
  /**
   * Whether a consumer locks its inputs at once after reading them, as consumers of this library
   * do.
   */
  readonly isMember: (consumer: string) => boolean;
  /** Whether a consumer of this library takes part in the service now. */
  readonly isThere: (consumer: string) => boolean;
  readonly onUnusable: (input: StreamInput, reason: Unusable) => Promise<void>;
}

/**
 * Finds pending inputs whose lock no consumer keeps alive. An input with a live lock has a healthy
 * owner, however old it is.
 */
export class AbandonedInputs {
  private known = new Map<string, StreamAssignment>();
  /** Engine time at which an input was first seen without an owner, in milliseconds. */
  private readonly bareSince = new Map<string, number>();
  /**
   * Inputs whose lock was seen, or that wait for their stream. If such an input has no lock, its
   * reader is not about to lock it.
   */
  private readonly lockSeen = new Set<string>();

  /** Engine time at which the connection last came back, in milliseconds. */
  private reconnectedAt: number | undefined;
  /** Milliseconds until the last look would have found more inputs. */
  ripensIn = Infinity;

  constructor(private readonly options: AbandonedInputsOptions) {}

  /**
   * Takes note of expired locks, which may belong to other services. Each proves that its input was
   * locked.
   * @returns whether one of the locks belongs to this service
   */
  async expired(places: readonly StreamPlace[]): Promise<boolean> {
    await this.learnHinted(places.filter(({ id }) => !this.known.has(id)));
    const ours = places.filter(({ id, stream }) => this.known.get(id)?.stream === stream);
    for (const { id } of ours) this.lockSeen.add(id);
    return ours.length > 0;
  }

  /** The connection was away, so hints about expired locks may be missing. */
  reconnected(): void {
    this.reconnectedAt = this.options.clock.now();
  }

  /**
   * Finds the abandoned inputs. An input that waits for a stream which is owned by way of another
   * input is not abandoned.
   */
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

  /** Keeps other programs from beginning with waiting inputs: they take old ones. */
  private async await(waiting: readonly PendingInput[]): Promise<void> {
    const { consumer, inputs, isThere } = this.options;
    for (const { id } of waiting) {
      this.lockSeen.add(id);
      // No consumer has failed to lock the input yet.
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

  /** Reads inputs that are not known yet. The content of an input never changes. */
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
    // Without its data the library cannot know whether the stream is owned. Its owner may still
    // complete the input.
    else if ((said || row.idle >= idleTime) && !owns(input.id)) {
      await onUnusable(input, said ?? 'unparseable');
    }
  }

  /** Hints also tell of the locks of other services. */
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

  /** Leaves the reader of an input the time between reading and locking it. */
  private isRipe(row: PendingInput): boolean {
    const { id, owner, idle } = row;
    const { isMember, consumer, idleTime } = this.options;
    if (owner === consumer || isMember(owner)) return idle >= LEASE || this.lockSeen.has(id);
    return this.lockSeen.has(id) || idle >= idleTime || (this.outlivesIn(row) ?? 1) <= 0;
  }

  /**
   * An input that was handed out before an outage of the connection may have no lock for two
   * reasons: its owner is gone, or has not noticed yet that the connection is back.
   * @returns milliseconds until no such owner can exist any more
   */
  private outlivesIn({ id, idle }: PendingInput): number | undefined {
    const { reconnectedAt } = this;
    if (reconnectedAt === undefined) return undefined;
    const now = this.options.clock.now();
    if (idle < now - reconnectedAt) return undefined;
    return Math.max(reconnectedAt, this.bareSince.get(id)!) + LEASE - now;
  }

  /**
   * Of abandoned inputs found earlier, returns those that still are: some may have been completed
   * since.
   */
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
      // Other programs unlock first and acknowledge then.
      doubtful: owner !== consumer && !isMember(owner),
    };
  }
}
