import {
  NO_NODE,
  type FetchAnswer,
  type GroupOptions,
  type Joined,
  type JoinRequest,
  type KafkaGroup,
  type Leaders,
  type Membership,
  type Share,
} from '../../lib/drivers/kafka/connection/kafka-group.js';
import type { CommittedOffset } from '../../lib/drivers/kafka/connection/kafka-client.js';
import { KafkaReplyError } from '../../lib/drivers/kafka/errors/kafka-reply.error.js';

const refuse = (type: string): never => {
  throw new KafkaReplyError('ask', type, 'The coordinator refuses');
};

interface Joining {
  readonly memberId: string;
  readonly claim: Buffer;
  resolve(joined: Joined): void;
}

/** The coordinator of one group without a broker: members join, are assigned partitions, and are expelled. */
export class GroupCoordinator {
  generation = 0;
  partitions = 1;
  /** False: the topic does not exist. */
  hasTopic = true;
  /** Partitions that no broker leads. */
  readonly leaderless = new Set<number>();
  /** What a broker does that is asked for leaders, in place of an answer. */
  askedForLeaders: (() => Promise<never>) | undefined;
  /** With what word heartbeats are refused, and their members expelled. */
  refuseBeats: string | undefined;
  /** Number of heartbeats that were answered. */
  beats = 0;
  readonly committed = new Map<number, CommittedOffset>();
  /** Who has committed what, in order. */
  readonly commits: {
    readonly memberId: string;
    readonly partition: number;
    readonly offset: number;
  }[] = [];
  private readonly members = new Set<string>();
  private joining: Joining[] = [];
  private syncing: { memberId: string; resolve(partitions: readonly number[]): void }[] = [];
  private shares: readonly Share[] | undefined;
  private preparing = false;
  private made = 0;

  /** The requests of one member. */
  connect(_options?: GroupOptions): KafkaGroup {
    return {
      leaders: async () => this.askedForLeaders?.() ?? this.leaders(),
      join: (request) => this.join(request),
      sync: (member, shares) => this.sync(member, shares),
      heartbeat: async (member) => {
        this.check(member);
        if (this.refuseBeats !== undefined) {
          this.expel(member.memberId);
          refuse(this.refuseBeats);
        }
        this.beats++;
      },
      leave: async (memberId) => this.remove(memberId),
      commit: async (member, offsets) => this.commit(member, offsets),
      fetch: async (): Promise<FetchAnswer> => ({ batches: [] }),
      close: async () => undefined,
    };
  }

  /** The session of a member is over. */
  expel(memberId: string): void {
    this.remove(memberId);
  }

  get memberIds(): string[] {
    return [...this.members];
  }

  private leaders(): Leaders | undefined {
    const all = Array.from({ length: this.partitions }, (_, partition) => partition);
    const none = all.filter((partition) => this.leaderless.has(partition));
    const led = all.filter((partition) => !this.leaderless.has(partition));
    return this.hasTopic
      ? new Map([['1', led], ...(none.length > 0 ? [[NO_NODE, none] as const] : [])])
      : undefined;
  }

  private join({ memberId, claim }: JoinRequest): Promise<Joined> {
    if (memberId !== '' && !this.members.has(memberId)) refuse('UNKNOWN_MEMBER_ID');
    const id = memberId || `member-${++this.made}`;
    this.members.add(id);
    this.preparing = true;
    return new Promise((resolve) => {
      this.joining.push({ memberId: id, claim, resolve });
      this.completeJoin();
    });
  }

  private completeJoin(): void {
    const joined = new Set(this.joining.map(({ memberId }) => memberId));
    if (!this.preparing || ![...this.members].every((id) => joined.has(id))) return;
    this.preparing = false;
    this.shares = undefined;
    this.generation++;
    const all = this.joining.splice(0);
    const members = all.map(({ memberId, claim }) => ({ memberId, claim }));
    for (const [at, { memberId, resolve }] of all.entries()) {
      resolve({ memberId, generation: this.generation, members: at === 0 ? members : [] });
    }
  }

  private sync(member: Membership, shares: readonly Share[]): Promise<readonly number[]> {
    this.check(member);
    if (shares.length > 0) this.shares = shares;
    return new Promise((resolve) => {
      this.syncing.push({ memberId: member.memberId, resolve });
      if (!this.shares) return;
      for (const one of this.syncing.splice(0)) {
        one.resolve(this.shares.find((share) => share.memberId === one.memberId)?.partitions ?? []);
      }
    });
  }

  private check({ memberId, generation }: Membership): void {
    if (!this.members.has(memberId)) refuse('UNKNOWN_MEMBER_ID');
    if (generation !== this.generation) refuse('ILLEGAL_GENERATION');
    if (this.preparing) refuse('REBALANCE_IN_PROGRESS');
  }

  private remove(memberId: string): void {
    if (!this.members.delete(memberId)) return;
    this.joining = this.joining.filter((one) => one.memberId !== memberId);
    this.preparing = this.members.size > 0;
    this.completeJoin();
  }

  private commit(member: Membership, offsets: readonly CommittedOffset[]): void {
    if (!this.members.has(member.memberId)) refuse('UNKNOWN_MEMBER_ID');
    if (member.generation !== this.generation) refuse('ILLEGAL_GENERATION');
    for (const offset of offsets) {
      this.committed.set(offset.partition, offset);
      this.commits.push({ memberId: member.memberId, ...offset });
    }
  }
}
