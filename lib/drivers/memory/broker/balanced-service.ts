import type { Clock } from '../../../core/clock.js';
import type { BalancerMember, BalancerMembers } from '../../../ports/balancer-members.js';
import type { HandOverTarget } from '../../../ports/stream-locks.js';

/** A consumer that has announced nothing for an hour is forgotten, in milliseconds. */
const FORGOTTEN_AFTER = 3_600_000;
/**
 * A handed input that its receiver does not note for 10 s is not handed over any more, in
 * milliseconds.
 */
const HANDED_FOR = 10_000;

interface Handed {
  readonly token: number;
  readonly to: string;
  readonly at: number;
}

/** The consumers of one service, and what they hand over to each other. */
export class BalancedService {
  private readonly members = new Map<string, { readonly at: number; readonly said: string }>();
  private readonly handed = new Map<string, Handed>();

  constructor(private readonly clock: Clock) {}

  /** The members of the service, as one consumer sees them. */
  memberAs(consumer: string): BalancerMembers {
    return {
      meet: async (saying, noted = []) => this.meet(consumer, saying, noted),
      leave: async () => void this.members.delete(consumer),
    };
  }

  /** Whether a consumer has not changed since it was seen. */
  mayHand({ consumer, said, handed }: HandOverTarget): boolean {
    const member = this.members.get(consumer);
    return member?.said === said && this.handedTo(consumer).length === handed;
  }

  hand(id: string, token: number, to: string): void {
    this.handed.set(id, { token, to, at: this.clock.now() });
  }

  private meet(consumer: string, said: string, noted: readonly string[]): BalancerMember[] {
    const now = this.clock.now();
    for (const id of noted) this.handed.delete(id);
    for (const [id, { at }] of this.handed) if (now - at > HANDED_FOR) this.handed.delete(id);
    for (const [name, { at }] of this.members) {
      if (now - at > FORGOTTEN_AFTER) this.members.delete(name);
    }
    this.members.set(consumer, { at: now, said });
    return [...this.members].map(([name, member]) => ({
      consumer: name,
      age: now - member.at,
      said: member.said,
      handed: this.handedTo(name),
    }));
  }

  private handedTo(consumer: string): { id: string; token: number }[] {
    const now = this.clock.now();
    return [...this.handed]
      .filter(([, { to, at }]) => to === consumer && now - at <= HANDED_FOR)
      .map(([id, { token }]) => ({ id, token }));
  }
}
