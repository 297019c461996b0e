import { isReply, KafkaReplyError } from '../errors/kafka-reply.error.js';

/** Whether the group goes on without this member: others may have its partitions. */
export const isExpelled = (error: unknown): boolean =>
  isReply(error, 'UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID');

/** The partitions are lost. */
export const expelledError = (): KafkaReplyError =>
  new KafkaReplyError(
    'commit',
    'ILLEGAL_GENERATION',
    'The partitions are not those of this member',
  );

/** The same request may succeed in some milliseconds. */
export const rebalancingError = (): KafkaReplyError =>
  new KafkaReplyError('commit', 'REBALANCE_IN_PROGRESS', 'The group rebalances');
