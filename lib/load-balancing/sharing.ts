import type { BalancerMember, BalancerMembers } from '../ports/balancer-members.js';
import type { HandOverTarget } from '../ports/stream-locks.js';
import type { Abandoned } from './abandoned-inputs.js';
import { ABSENT_AFTER } from './balancer-settings.js';
import { decodeShare, encodeShare, fairShares, type Share } from './fair-share.js';
import type { OwnedStream, OwnedStreams } from './owned-stream.js';

/** Surplus that a consumer keeps before it hands streams over, as a share of its streams. */
const TOLERANCE = 0.05;

export interface SharingOptions {
  readonly consumer: string;
  readonly maxStreams: number;
  readonly members: BalancerMembers;
  readonly owned: OwnedStreams;
  /** Whether this consumer takes abandoned streams. */
  readonly claims: () => boolean;
  /** Accepts an input that was handed over to this consumer. */
  readonly accept: (id: string, token: number) => Promise<void>;
}

/** Another consumer. Streams that were handed over to it count as its own. */
interface Other extends Share {
  readonly target: HandOverTarget;
}

/** Which consumers take part in the service, what each of them owns, and what each should own. */
export class Sharing {
  private members: readonly BalancerMember[] = [];
  /** Inputs that were handed over to this consumer and that its announcement does not count yet. */
  private noted: string[] = [];

  constructor(private readonly options: SharingOptions) {}

  /**
   * Announces what this consumer owns, reads what the others own, and accepts what was handed over.
   */
  async meet(): Promise<void> {
    const { members, owned, claims, consumer, accept } = this.options;
    const noted = this.noted.splice(0);
    try {
      this.members = await members.meet(encodeShare(owned.size, this.limit, claims()), noted);
    } catch (error) {
      this.noted.push(...noted);
      throw error;
    }
    const { handed = [] } = this.members.find((one) => one.consumer === consumer) ?? {};
    const news = handed.filter(({ id }) => !this.noted.includes(id));
    await Promise.all(news.map(({ id, token }) => accept(id, token)));
    this.noted.push(...news.map(({ id }) => id));
  }

  /**
   * Streams were handed over, and the other consumers do not know yet that they are counted here.
   */
  get hasNews(): boolean {
    return this.noted.length > 0;
  }

  /** This consumer owns less than its share: others may be about to hand streams over. */
  get expects(): boolean {
    return this.options.claims() && this.options.owned.size < this.mine([]);
  }

  /** Whether a consumer has taken part in the last hour. */
  isMember(consumer: string): boolean {
    return this.members.some((member) => member.consumer === consumer);
  }

  /** Whether a consumer takes part now. */
  isThere(consumer: string): boolean {
    return this.members.some((member) => member.consumer === consumer && isThere(member));
  }

  /**
   * How many streams this consumer should own, of all that live consumers own or that have no
   * owner.
   */
  mine(found: readonly Abandoned[]): number {
    return this.shares(found, this.others(found)).get(this.options.consumer)!;
  }

  /** A stream above the share of this consumer, where another consumer owns too few. */
  surplus(found: readonly Abandoned[]): OwnedStream | undefined {
    const others = this.others(found);
    const shares = this.shares(found, others);
    const mine = shares.get(this.options.consumer)!;
    const all = [...this.options.owned];
    const staying = all.filter(({ leaving }) => !leaving);
    const surplus = staying.length - mine;
    if (surplus <= mine * TOLERANCE) return undefined;
    const missing = others.map((one) => missingOf(one, shares)).reduce((sum, one) => sum + one, 0);
    return missing > all.length - staying.length ? staying.at(-1) : undefined;
  }

  /** The consumer that is furthest below its share. */
  target(found: readonly Abandoned[]): HandOverTarget | undefined {
    const others = this.others(found);
    const shares = this.shares(found, others);
    if (this.options.owned.size <= shares.get(this.options.consumer)!) return undefined;
    const most = Math.max(0, ...others.map((one) => missingOf(one, shares)));
    return most === 0 ? undefined : others.find((one) => missingOf(one, shares) === most)!.target;
  }

  private others(found: readonly Abandoned[]): Other[] {
    const { consumer } = this.options;
    // A consumer whose locks have expired is dead or stalled, even if it announced itself just now.
    const dead = new Set(found.filter((one) => !one.givenBack).map(({ owner }) => owner));
    return this.members
      .filter((one) => one.consumer !== consumer && isThere(one) && !dead.has(one.consumer))
      .flatMap(({ consumer: name, said, handed }) => {
        const share = decodeShare(name, said);
        const target = { consumer: name, said, handed: handed.length };
        return share ? [{ ...share, owned: share.owned + handed.length, target }] : [];
      });
  }

  private shares(found: readonly Abandoned[], others: readonly Other[]): Map<string, number> {
    const { consumer, owned } = this.options;
    const all = [...others, { consumer, owned: owned.size, limit: this.limit }];
    const total = all.reduce((sum, one) => sum + one.owned, 0);
    const free = found.filter(({ assignment }) => !owned.hasInput(assignment.id));
    return fairShares(total + free.length, all);
  }

  /** Where the application claims streams, it may leave them: no stream is reserved for it. */
  private get limit(): number {
    const { claims, maxStreams, owned } = this.options;
    return claims() ? maxStreams : owned.size;
  }
}

const isThere = ({ age }: BalancerMember): boolean => age < ABSENT_AFTER;

/** How many streams a consumer can be handed until it has its share. */
function missingOf({ consumer, owned, accepts }: Share, shares: Map<string, number>): number {
  return accepts ? Math.max(0, shares.get(consumer)! - owned) : 0;
}
