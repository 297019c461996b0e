import type { KafkaGroup, Leaders } from '../connection/kafka-group.js';

/** What the member tells. None of these throws, or rejects. */
export interface MemberHooks {
  /** The member has joined, and has these partitions from now on, beside those that it had. */
  onAssigned(partitions: readonly number[]): void;
  /**
   * The member is to give these partitions up. Resolves when nothing of them is in hand: they are the
   * member's until then, or until the rebalance takes too long.
   */
  onLeaving(partitions: readonly number[]): Promise<void>;
  /** These partitions are another member's from now on, or will soon be. */
  onLost(partitions: readonly number[]): void;
  /** The topic is there, with these leaders of its partitions. */
  onLeaders(leaders: Leaders): void;
  /** The topic does not exist. The member has left, and ends. */
  onMissing(): void;
  /** Something has failed. The member tries again. */
  onFailed(error: Error): void;
}

export interface MemberParts {
  readonly group: KafkaGroup;
  /** Of a static member. */
  readonly instanceId?: string | undefined;
  readonly sessionTimeout: number;
  readonly rebalanceTimeout: number;
  /** How often the member looks for new partitions, in milliseconds. */
  readonly metadataMaxAge: number;
  readonly hooks: MemberHooks;
}
