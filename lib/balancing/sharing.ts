import type { BalancerMember, BalancerMembers } from '../core/stream-ownership.js';
import type { Abandoned } from './abandoned-inputs.js';
import { ABSENT_AFTER } from './balancer-settings.js';
import { decodeShare, encodeShare, fairShares } from './fair-share.js';
import type { OwnedStream, OwnedStreams } from './owned-stream.js';

/** Streams that are handed over side by side. */
const AT_ONCE = 20;
/** Share of its streams that a consumer may have too many before it hands some over. */
const TOLERANCE = 0.05;

export interface SharingOptions {
  readonly consumer: string;
  readonly maxStreams: number;
  readonly members: BalancerMembers;
  readonly owned: OwnedStreams;
  /** Whether what is abandoned is taken here. */
  readonly claims: () => boolean;
}

export interface Shares {
  /** Streams that should be owned here. */
  readonly mine: number;
  /** What others own less than they should. */
  readonly missing: number;
}

/** Who takes part in the service, what each of them owns, and what he should. */
export class Sharing {
  private members: readonly BalancerMember[] = [];

  constructor(private readonly options: SharingOptions) {}

  /** Says what is owned here, and learns what others own. */
  async meet(): Promise<void> {
    const { members, owned } = this.options;
    this.members = await members.meet(encodeShare(owned.size, this.limit));
  }

  /** It has taken part, in the last hour. */
  isMember(consumer: string): boolean {
    return this.members.some((member) => member.consumer === consumer);
  }

  /** It takes part. */
  isThere(consumer: string): boolean {
    return this.members.some((member) => member.consumer === consumer && isThere(member));
  }

  /** What each consumer that lives should own, of all that is owned by them, or by nobody. */
  shares(found: readonly Abandoned[]): Shares {
    const { consumer, owned } = this.options;
    // Who has let locks expire is dead, or stands still, whatever it said a moment ago.
    const dead = new Set(found.filter((one) => !one.givenBack).map(({ owner }) => owner));
    const others = this.members
      .filter((one) => one.consumer !== consumer && isThere(one) && !dead.has(one.consumer))
      .map((one) => decodeShare(one.consumer, one.said))
      .filter((one) => one !== undefined);
    const all = [...others, { consumer, owned: owned.size, limit: this.limit }];
    const total = all.reduce((sum, one) => sum + one.owned, found.length);
    const shares = fairShares(total, all);
    const missing = others.map((one) => Math.max(0, shares.get(one.consumer)! - one.owned));
    return {
      mine: shares.get(consumer)!,
      missing: missing.reduce((sum, one) => sum + one, 0),
    };
  }

  /** What is too much here, where others have too little: some of it. */
  surplus({ mine, missing }: Shares): readonly OwnedStream[] {
    const staying = [...this.options.owned].filter(({ leaving }) => !leaving);
    const surplus = staying.length - mine;
    if (surplus <= mine * TOLERANCE) return [];
    return staying.slice(staying.length - Math.min(surplus, missing, AT_ONCE));
  }

  /** Where the application claims, it may or may not: nothing is to be left for it. */
  private get limit(): number {
    const { claims, maxStreams, owned } = this.options;
    return claims() ? maxStreams : owned.size;
  }
}

const isThere = ({ age }: BalancerMember): boolean => age < ABSENT_AFTER;
