import { PermissionDeniedError } from '../../../../../core/errors/server.errors.js';
import { MissingPackageError } from '../../../../../core/errors/start-up.errors.js';
import { StreamsError } from '../../../../../core/errors/streams.error.js';
import { KafkaConnectionError } from '../../../errors/kafka-connection.errors.js';
import { KafkaUnreadableError } from '../../../errors/kafka-reading.errors.js';
import { KafkaReplyError } from '../../../errors/kafka-reply.error.js';

/** An error of kafkajs, or of Node. */
interface Raw extends Error {
  readonly type?: string;
  readonly code?: string | number;
  readonly cause?: unknown;
}

const GRANT =
  'Give this user the right by an ACL, for example with kafka-acls.sh: docs/kafka.md#permissions lists all of them.';
const LOGIN_REMEDY =
  'Nothing was sent; correct the option sasl (mechanism, username, password), or the users of the brokers.';
const TLS_REMEDY =
  'Nothing was sent; correct the option ssl (ca, cert, key, servername), or the certificates of the brokers.';

const OTHER_SERVER_REMEDY =
  'Nothing was sent; correct the option brokers, or give the option ssl where the brokers ask for TLS.';

/** The code of the error where another server than a broker has answered. */
export const NOT_KAFKA = 'ERR_NOT_KAFKA';

/** What Node says where no connection could be made. */
const UNREACHED = /^(?:ECONNREFUSED|EHOST|ENET|EAI_AGAIN|ENOTFOUND|ETIMEDOUT)/;
/** The codes of Node for what the system has refused. */
const SYSTEM = /^E[A-Z0-9]+$/;
/** Errors of kafkajs before a request is sent. */
const NOT_SENT: ReadonlySet<string> = new Set([
  'KafkaJSBrokerNotFound',
  'KafkaJSGroupCoordinatorNotFound',
  'KafkaJSLockTimeout',
  'KafkaJSMetadataNotLoaded',
  'KafkaJSTopicMetadataNotLoaded',
]);
/** Errors of kafkajs where it cannot decode an answer. */
const DECODING: ReadonlySet<string> = new Set([
  'KafkaJSInvalidLongError',
  'KafkaJSInvalidVarIntError',
  'KafkaJSInvariantViolation',
  'KafkaJSNotImplemented',
  'KafkaJSPartialMessageError',
  'KafkaJSUnsupportedMagicByteInMessageSet',
]);
/** What Node and OpenSSL say of certificates. */
const TLS = /tls|ssl|certificate|self.signed|altname|CERT_|UNABLE_TO_/i;
/** Errors of brokers that have refused a login. */
const LOGIN: ReadonlySet<string> = new Set([
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'ILLEGAL_SASL_STATE',
]);

/** The first cause: kafkajs wraps errors in "the number of retries is exceeded". */
export function rootOf(error: unknown): Raw {
  let root = (error ?? {}) as Raw;
  while (root.type === undefined && root.cause instanceof Error) root = root.cause as Raw;
  return root;
}

/**
 * Turns an error of kafkajs into a typed error.
 * @param outcome whether the request may have been carried out, where the error does not say it
 */
export function typedError(
  error: unknown,
  action: string,
  outcome: 'not-sent' | 'unknown' = 'unknown',
): StreamsError {
  if (error instanceof StreamsError) return error;
  const root = rootOf(error);
  if (isLoginRefused(root)) {
    return new KafkaConnectionError('not-sent', action, root, LOGIN_REMEDY);
  }
  if (root.code === NOT_KAFKA) {
    return new KafkaConnectionError('not-sent', action, root, OTHER_SERVER_REMEDY);
  }
  if (root.type !== undefined) return replyError(root, action);
  if (isTls(root)) return new KafkaConnectionError('not-sent', action, root, TLS_REMEDY);
  return new KafkaConnectionError(isNotSent(root) ? 'not-sent' : outcome, action, root);
}

const replyError = (root: Raw, action: string): StreamsError =>
  root.type!.endsWith('_AUTHORIZATION_FAILED')
    ? new PermissionDeniedError(action, root, { advice: GRANT })
    : new KafkaReplyError(action, root.type!, root.message);

/**
 * Turns the error of a connection that could not be made into a typed error.
 * @param otherwise what to do, where the cause does not say it
 */
export function connectError(error: unknown, action: string, otherwise: string): StreamsError {
  const typed = typedError(error, action, 'not-sent');
  return typed instanceof KafkaConnectionError && !isRefused(error)
    ? new KafkaConnectionError('not-sent', action, rootOf(error), otherwise)
    : typed;
}

/** Whether no repetition of connecting helps until the options or the brokers are changed. */
export const isRefused = (error: unknown): boolean => {
  const root = rootOf(error);
  return isLoginRefused(root) || isTls(root) || root.code === NOT_KAFKA;
};

/** Whether a broker has answered, and the answer cannot be decoded or decompressed in this process. */
export function isUndecodable(error: unknown): boolean {
  if (error instanceof StreamsError) return error instanceof MissingPackageError;
  const { name, type, code } = rootOf(error);
  if (type !== undefined) return false;
  return DECODING.has(name) || !(name.startsWith('KafkaJS') || SYSTEM.test(String(code ?? '')));
}

/** What to tell of records that cannot be decoded: where a package is missing, its own error. */
export const unreadable = (
  topic: string,
  partition: number,
  offset: number,
  error: unknown,
): StreamsError =>
  error instanceof MissingPackageError
    ? error
    : new KafkaUnreadableError(topic, partition, offset, error);

const isLoginRefused = ({ name, type }: Raw): boolean =>
  name === 'KafkaJSSASLAuthenticationError' || LOGIN.has(type ?? '');

const isTls = ({ name, code, message }: Raw): boolean =>
  name === 'KafkaJSConnectionError' && TLS.test(`${code ?? ''} ${message}`);

const isNotSent = ({ name, code, message }: Raw): boolean =>
  NOT_SENT.has(name) ||
  UNREACHED.test(String(code ?? '')) ||
  /^(?:Connection timeout|Failed to connect|Broker not connected|Not connected)/.test(message);
