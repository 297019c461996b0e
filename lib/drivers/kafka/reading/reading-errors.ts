import { InvalidOptionsError } from '../../../core/errors/start-up.errors.js';
import { isReply } from '../errors/kafka-reply.error.js';

/** Errors of brokers that do not lead the partition, or do not know the topic yet. */
export const MOVED = [
  'UNKNOWN_TOPIC_OR_PARTITION',
  'NOT_LEADER_FOR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'REPLICA_NOT_AVAILABLE',
];

/** What to tell where the brokers refuse the session timeout. */
export const sessionRefused = (ms: number): Error =>
  new InvalidOptionsError([
    `sessionTimeout, or the idleTimeout of the consumers in its place, is ${ms} ms, which the brokers refuse: ` +
      'they take 6000 to 1800000, or what group.min.session.timeout.ms and group.max.session.timeout.ms say',
  ]);

/** Errors that pass by themselves: a coordinator that is being chosen, or loads its groups. */
const PASSING = [
  ...MOVED,
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'GROUP_LOAD_IN_PROGRESS',
  'NOT_COORDINATOR_FOR_GROUP',
  'REBALANCE_IN_PROGRESS',
  'REQUEST_TIMED_OUT',
];

/** Whether a consumer that begins to read should fail by this error. */
export const isLasting = (error: Error): boolean => !isReply(error, ...PASSING);
