import { describe, expect, it } from 'vitest';
import * as library from '../../lib/index.js';
import { errorClasses, errorsPage } from '../support/errors-page.js';

const {
  AlreadySubscribedError,
  AnswerLostError,
  BackpressureError,
  ClaimFailedError,
  ClosedError,
  ConsumerHasPendingError,
  ConsumerCrashedError,
  DedupeConflictError,
  EntryTooLargeError,
  GroupNotFoundError,
  HandlerConflictError,
  HandlerNotFoundError,
  HandlerTimeoutError,
  InvalidInstructionError,
  InvalidMessageError,
  InvalidMessageKeyError,
  InvalidOptionsError,
  NotARequestHandlerError,
  NotReplicatedError,
  OrderConflictError,
  OwnershipLostError,
  PayloadTooLargeError,
  PermissionDeniedError,
  PublishBatchError,
  RedisConnectionError,
  ReplyBrokenError,
  RequestTimeoutError,
  RetryLaterError,
  ServerOutOfMemoryError,
  ServerReplyError,
  SharedStreamError,
  ShutdownError,
  StreamDisownedError,
  StreamNotFoundError,
  StreamNotOwnedError,
  StreamUnsettledError,
  StreamsError,
  TlsConnectionError,
  UndecodableError,
  UnrecoverableError,
  UnsupportedFeatureError,
  WildcardWithoutStreamError,
  WrongKeyTypeError,
} = library;

/** One of each, with the advice that is its own. */
const SAMPLES: readonly (readonly [error: library.StreamsError, advice?: string])[] = [
  [new AlreadySubscribedError(['s'], 'g')],
  [new AnswerLostError('e')],
  [new BackpressureError('s', 'g', 2, 1)],
  [new ClaimFailedError('s', 'held')],
  [new ClosedError('The client')],
  [new ConsumerHasPendingError('s', 'g', 'c', 1)],
  [new ConsumerCrashedError({ stream: 's', group: 'g', consumer: 'c', idleMs: 5, pending: 1 })],
  [new DedupeConflictError('dedupe', 'A.a', 'B.b', { group: 'g', stream: 's', name: 'n' })],
  [new EntryTooLargeError('s', 'g', '1-0', { bytes: 2, limit: 1 })],
  [new GroupNotFoundError('s', 'g')],
  [new HandlerConflictError('methods', 'A.a and B.b take "e".'), 'or let one method take both.'],
  [new HandlerConflictError('one-method', 'A.a takes "e" twice.'), 'or another group.'],
  [new HandlerConflictError('second-start', 'It runs.'), 'what was started goes on.'],
  [new HandlerConflictError('consumers', 'A and B.'), 'give them groups of their own.'],
  [new HandlerNotFoundError(['a'], ['b'])],
  [new HandlerTimeoutError('A.a', 5)],
  [new InvalidInstructionError('No event type.')],
  [new InvalidMessageError('No event type.')],
  [new InvalidMessageKeyError('A.a', 5, 1024)],
  [new InvalidOptionsError(['group must be a text'])],
  [new NotARequestHandlerError('A.a', 'e')],
  [new NotReplicatedError('s', '1-0', 2, 1, 5)],
  [new OrderConflictError('A.a', 'B.b', 'g', 's')],
  [new OwnershipLostError('s', '1-0')],
  [new PayloadTooLargeError(2, 1, 'e')],
  [new PermissionDeniedError('publishing')],
  [new ReplyBrokenError('g', ['s'], 8, undefined)],
  [new PublishBatchError(['1-0', new Error('It broke.')])],
  [new RedisConnectionError('not-sent', 'publishing'), 'Nothing was sent; try again with backoff.'],
  [
    new RedisConnectionError('unknown', 'publishing'),
    'It may have been carried out; try again only with an idempotency key, or where twice does no harm.',
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
  [new WildcardWithoutStreamError('A.a', 'e.*')],
  [new WrongKeyTypeError('k')],
];

describe('the errors', () => {
  it('stand in docs/errors.md as they are in the code (else: npm run docs:errors)', async () => {
    const page = await errorsPage();
    expect(page, 'a class without a comment').not.toMatch(/\| +\|/);
    await expect(page).toMatchFileSnapshot('../../docs/errors.md');
  });

  it('are all on that page, each with a code of its own', () => {
    const exported = Object.entries(library)
      .filter(([, value]) => typeof value === 'function' && value.prototype instanceof StreamsError)
      .map(([name]) => name);
    expect(errorClasses.map(({ name }) => name).sort()).toEqual(exported.sort());
    expect(new Set(errorClasses.map(({ code }) => code)).size).toBe(exported.length);
  });

  it('say in their message what to do', () => {
    const seen = new Set(SAMPLES.map(([error]) => error.name));
    expect([...seen].sort()).toEqual(errorClasses.map(({ name }) => name).sort());
    for (const [error, advice] of SAMPLES) {
      const described = errorClasses.find(({ name }) => name === error.name)!;
      expect(error.code).toBe(described.code);
      expect(error.message.endsWith(advice ?? described.advice), error.message).toBe(true);
      if (error.name === 'RedisConnectionError') expect(described.advice).toContain(advice);
    }
  });
});
