import { ConnectionError } from '../../lib/core/errors/connection.errors.js';
import { InvalidConfigError } from '../../lib/core/errors/config.errors.js';
import { describe, expect, it } from 'vitest';
import {
  ClaimFailedError,
  StreamDisownedError,
  StreamNotOwnedError,
  StreamUnsettledError,
} from '../../lib/core/errors/balancing.errors.js';
import {
  RedisConnectionError,
  TlsConnectionError,
} from '../../lib/drivers/redis/errors/redis-connection.errors.js';
import {
  DeadLetterTooLargeError,
  ForwardCycleError,
  ForwardLimitError,
} from '../../lib/core/errors/dead-letter.errors.js';
import {
  ConsumerHasPendingError,
  GroupHasPendingError,
  GroupNotFoundError,
  StreamNotFoundError,
} from '../../lib/core/errors/group.errors.js';
import {
  HandlerTimeoutError,
  InvalidFilterResultError,
  InvalidInstructionError,
  InvalidMessageKeyError,
  OwnershipLostError,
  RetryLaterError,
  ShutdownError,
  UndecodableError,
  UnrecoverableError,
} from '../../lib/core/errors/handling.errors.js';
import {
  BackpressureError,
  InvalidMessageError,
  NotReplicatedError,
  PayloadTooLargeError,
  PublishBatchError,
} from '../../lib/core/errors/publishing.errors.js';
import {
  AnswerLostError,
  NotARequestHandlerError,
  RequestTimeoutError,
} from '../../lib/core/errors/request.errors.js';
import {
  EntryTooLargeError,
  PermissionDeniedError,
  ReplyBrokenError,
  ServerOutOfMemoryError,
  ServerReplyError,
  WrongKeyTypeError,
} from '../../lib/core/errors/server.errors.js';
import {
  ClosedError,
  DedupeConflictError,
  HandlerConflictError,
  InvalidOptionsError,
  MissingPackageError,
  OrderConflictError,
  UnsupportedFeatureError,
  WildcardWithoutStreamError,
} from '../../lib/core/errors/start-up.errors.js';
import {
  MissingSlotError,
  UnknownDriverError,
  WrongDriverForSlotError,
} from '../../lib/core/errors/slot.errors.js';
import {
  StateContendedError,
  StateStoreFullError,
  StateValueTooLargeError,
  WorkflowStateLostError,
  ConsumerStateInUseError,
  ConsumerStateUnreadableError,
} from '../../lib/core/errors/state-store.errors.js';
import {
  AlreadyRunningError,
  BindingWhileRunningError,
  NoHandlerError,
} from '../../lib/core/errors/running.errors.js';
import { StreamsError } from '../../lib/core/errors/streams.error.js';
import {
  ConsumerCrashedError,
  HandlerNotFoundError,
  SharedStreamError,
} from '../../lib/core/errors/subscription.errors.js';
import {
  JetStreamMissingError,
  NatsConnectionError,
  NatsGivenUpError,
  NatsServerTooOldError,
} from '../../lib/drivers/nats/errors/nats-connection.errors.js';
import { DelaysUnsupportedError } from '../../lib/drivers/nats/errors/delays-unsupported.error.js';
import { StreamFullError } from '../../lib/drivers/nats/errors/stream-full.error.js';
import {
  NatsStreamSettingsError,
  NatsSubjectTakenError,
} from '../../lib/drivers/nats/errors/stream-settings.error.js';
import { InboxTransactionError } from '../../lib/drivers/postgres/errors/inbox.errors.js';
import {
  PostgresConnectionError,
  TooManyConnectionsError,
} from '../../lib/drivers/postgres/errors/postgres-connection.errors.js';
import { NameTooLongError } from '../../lib/drivers/postgres/errors/name.errors.js';
import {
  ReadOnlyServerError,
  ServerResourcesError,
  StatementCancelledError,
  TransactionConflictError,
} from '../../lib/drivers/postgres/errors/postgres-server.errors.js';
import {
  SchemaMissingError,
  SchemaTooNewError,
  SchemaTooOldError,
} from '../../lib/drivers/postgres/errors/schema.errors.js';
import * as driver from '../../lib/driver.js';
import * as root from '../../lib/index.js';
import * as kafka from '../../lib/kafka.js';
import * as nats from '../../lib/nats.js';
import * as postgres from '../../lib/postgres.js';
import { errorClasses, errorsPage } from '../support/errors-page.js';

/** One of each, with the advice that is its own. */
const SAMPLES: readonly (readonly [error: StreamsError, advice?: string])[] = [
  [new AlreadyRunningError('It')],
  [new BindingWhileRunningError('default', 'e')],
  [new NoHandlerError('default', 'redis')],
  [new AnswerLostError('e')],
  [new BackpressureError('s', 'g', 2, 1)],
  [new ClaimFailedError('s', 'held')],
  [new ClosedError('The client')],
  [
    new ConnectionError('Kafka', 'not-sent', 'publishing'),
    'Nothing was sent; try again with backoff.',
  ],
  [
    new ConnectionError('Kafka', 'unknown', 'publishing'),
    'The command may have been carried out; try again only with an idempotency key, or if doing it twice does no harm.',
  ],
  [new ConsumerHasPendingError('s', 'g', 'c', 1)],
  [new GroupHasPendingError('s', 'g', 1, '7')],
  [new ConsumerCrashedError({ stream: 's', group: 'g', consumer: 'c', idleMs: 5, pending: 1 })],
  [new DedupeConflictError('dedupe', 'A.a', 'B.b', { group: 'g', stream: 's', name: 'n' })],
  [new EntryTooLargeError('s', 'g', '1-0', { bytes: 2, limit: 1 })],
  [new GroupNotFoundError('s', 'g')],
  [new HandlerConflictError('methods', 'A.a and B.b take "e".'), 'or let one method handle both.'],
  [new HandlerConflictError('one-method', 'A.a takes "e" twice.'), 'or another group.'],
  [new HandlerConflictError('consumers', 'A and B.'), 'give them groups of their own.'],
  [new HandlerNotFoundError(['a'], ['b'])],
  [new HandlerTimeoutError('A.a', 5)],
  [new InvalidFilterResultError('A.a', undefined)],
  [new InvalidInstructionError('No event type.')],
  [new InvalidMessageError('No event type.')],
  [new InvalidMessageKeyError('A.a', 5, 1024)],
  [new InboxTransactionError('failed')],
  [new InvalidConfigError([])],
  [new InvalidOptionsError(['group must be a text'])],
  [
    new kafka.KafkaConnectionError('not-sent', 'publishing'),
    'Nothing was sent; try again with backoff.',
  ],
  [new kafka.KafkaInstanceTakenError('pod-1')],
  [new kafka.KafkaTopicMissingError('t')],
  [new kafka.KafkaTopicNameError('t', ['T'])],
  [new kafka.KafkaUnreadableError('t', 1, 7)],
  [new MissingSlotError('messageSource')],
  [new StateContendedError('k', 50)],
  [new StateStoreFullError('memory', 10_000)],
  [new StateValueTooLargeError('k', 2, 1)],
  [new DeadLetterTooLargeError('s', '1', 2, 1)],
  [new ForwardCycleError([{ handler: 'A.a', stream: 's' }])],
  [new ForwardLimitError('s', 'it came back')],
  [new ConsumerStateInUseError('orders', 'g')],
  [new ConsumerStateUnreadableError('consumer:g:orders:default', 'a number')],
  [new UnknownDriverError('stateStore', 'redsi', 'Did you mean redis?')],
  [new WrongDriverForSlotError('stateStore', 'kafka', 'state store')],
  [new MissingPackageError('ioredis', 'The Redis driver'), 'Run: npm install ioredis'],
  [new NotARequestHandlerError('A.a', 'e')],
  [new NotReplicatedError('s', '1-0', 2, 1, 5)],
  [new OrderConflictError('A.a', 'B.b', 'g', 's')],
  [new OwnershipLostError('s', '1-0')],
  [new PayloadTooLargeError(2, 1, 'e')],
  [new PermissionDeniedError('publishing')],
  [new ReplyBrokenError('g', ['s'], 8, undefined)],
  [
    new PostgresConnectionError('not-sent', 'publishing'),
    'Nothing was sent; try again with backoff.',
  ],
  [new TooManyConnectionsError('publishing', new Error('too many clients'))],
  [new NameTooLongError('stream', 's', 900, 800)],
  [new ReadOnlyServerError('publishing', new Error('no'))],
  [new ServerResourcesError('publishing', new Error('no'))],
  [new StatementCancelledError('publishing', new Error('no'))],
  [new TransactionConflictError('publishing', new Error('no'))],
  [new SchemaMissingError('streams')],
  [new SchemaTooNewError('streams', 3, 2)],
  [new SchemaTooOldError('streams', 1, 2)],
  [new PublishBatchError(['1-0', new Error('It broke.')])],
  [new RedisConnectionError('not-sent', 'publishing'), 'Nothing was sent; try again with backoff.'],
  [
    new RedisConnectionError('unknown', 'publishing'),
    'The command may have been carried out; try again only with an idempotency key, or if doing it twice does no harm.',
  ],
  [new RequestTimeoutError('e', 5)],
  [new RetryLaterError(5)],
  [new ServerOutOfMemoryError('publishing')],
  [new ServerReplyError('publishing', new Error('ERR no'))],
  [new SharedStreamError('s', 'g', ['e'])],
  [new ShutdownError()],
  [new StreamDisownedError('s')],
  [new StreamNotOwnedError('s')],
  [new StreamUnsettledError('s')],
  [new StreamNotFoundError('s')],
  [new TlsConnectionError('publishing', undefined, 'Set tls.ca.'), 'Set tls.ca.'],
  [new UndecodableError('json', new SyntaxError('bad'))],
  [new UnrecoverableError()],
  [new UnsupportedFeatureError('It', 'redis', 'Do without it.'), 'Do without it.'],
  [new NatsConnectionError('not-sent', 'publishing'), 'Nothing was sent; try again with backoff.'],
  [new NatsGivenUpError('publishing')],
  [new NatsServerTooOldError('2.9.10')],
  [new JetStreamMissingError()],
  [new DelaysUnsupportedError('x')],
  [new StreamFullError('s', { description: 'maximum messages exceeded' })],
  [
    new NatsStreamSettingsError('s', [{ name: 'storage', found: 'file', wanted: 'memory' }]),
    'or delete the stream where its content is of no use any more: the driver makes it again.',
  ],
  [new NatsSubjectTakenError('s', ['s'], ['other'])],
  [new WildcardWithoutStreamError('A.a', 'e.*')],
  [new WorkflowStateLostError('w', '0')],
  [new WrongKeyTypeError('k')],
];

describe('the errors', () => {
  it('stand in docs/errors.md as they are in the code (else: npm run docs:reference)', async () => {
    const page = await errorsPage();
    expect(page, 'a class without a comment').not.toMatch(/\| +\|/);
    await expect(page).toMatchFileSnapshot('../../docs/errors.md');
  });

  it('are all on that page, each with a code of its own', () => {
    const doors = Object.entries({ ...root, ...driver, ...kafka, ...nats, ...postgres });
    const exported = doors.filter(
      ([, value]) => typeof value === 'function' && value.prototype instanceof StreamsError,
    );
    expect(errorClasses).toEqual(expect.arrayContaining(exported.map(([, value]) => value)));
    expect(new Set(errorClasses.map(({ code }) => code)).size).toBe(errorClasses.length);
  });

  it('say in their message what to do', () => {
    const seen = new Set(SAMPLES.map(([error]) => error.name));
    expect([...seen].sort()).toEqual(errorClasses.map(({ name }) => name).sort());
    for (const [error, advice] of SAMPLES) {
      const described = errorClasses.find(({ name }) => name === error.name)!;
      expect(error.code).toBe(described.code);
      expect(error.message.endsWith(advice ?? described.advice), error.message).toBe(true);
      if (/^(Redis|Postgres|Nats|Kafka)?ConnectionError$/.test(error.name))
        expect(described.advice).toContain(advice);
    }
  });
});
