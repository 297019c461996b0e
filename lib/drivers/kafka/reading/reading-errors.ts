import { InvalidOptionsError } from '../../../core/errors/start-up.errors.js';
import { isPassing, isReply, LEADER_MOVES } from '../errors/kafka-reply.error.js';

/** Errors of brokers that do not lead the partition, or do not know the topic yet. */
export const MOVED = ['UNKNOWN_TOPIC_OR_PARTITION', ...LEADER_MOVES];

/** What to tell where the brokers refuse the session timeout. */
export const sessionRefused = (ms: number): Error =>
  new InvalidOptionsError([
    `sessionTimeout, or the idleTimeout of the consumers in its place, is ${ms} ms, which the brokers refuse: ` +
      'they take 6000 to 1800000, or what group.min.session.timeout.ms and group.max.session.timeout.ms say',
  ]);

/** Whether a consumer that begins to read should fail by this error: it does not pass by itself. */
export const isLasting = (error: Error): boolean =>
  !isPassing(error) && !isReply(error, 'UNKNOWN_TOPIC_OR_PARTITION', 'REBALANCE_IN_PROGRESS');
