import { PermissionDeniedError } from '../../../core/errors/server.errors.js';
import { StreamsError } from '../../../core/errors/streams.error.js';
import { NatsConnectionError } from './nats-connection.errors.js';

/** The names of errors of the client. They are classes of a package that is loaded later. */
const LOGIN = new Set(['AuthorizationError', 'UserAuthenticationExpiredError']);

const GRANT =
  'Let this user publish to, or subscribe to, this subject: docs/nats.md#permissions lists all of them.';

/** Whether the server refused the login. */
export const isLoginRefused = (error: unknown): boolean =>
  error instanceof Error && LOGIN.has(error.name);

/** A right that the server says is missing. */
export interface Violation extends Error {
  readonly operation: 'publish' | 'subscription';
  readonly subject: string;
}

/** Whether the server refused a subject, to publish or to subscribe to. */
export const isViolation = (error: unknown): error is Violation =>
  error instanceof Error && error.name === 'PermissionViolationError';

/** Whether no program answers requests on this subject: the server says so at once. */
export const isNoResponders = (error: unknown): boolean =>
  error instanceof Error && (error.name === 'NoResponders' || isNoResponders(error.cause));

/** The typed error of a subject that this user may not use. */
export const permissionDenied = (action: string, error: Violation): PermissionDeniedError =>
  new PermissionDeniedError(action, error, {
    command: error.operation === 'publish' ? 'publish' : 'subscribe',
    key: error.subject,
    advice: GRANT,
  });

const NO_ANSWERER = 'Nothing was sent: no program answers on this subject.';

/**
 * Turns an error of a call into a typed error.
 * @param outcome whether the call may have been carried out, where the error does not say it
 */
export function typedError(
  error: unknown,
  action: string,
  outcome: 'not-sent' | 'unknown' = 'unknown',
): StreamsError {
  if (error instanceof StreamsError) return error;
  const violation = [error, (error as Error | undefined)?.cause].find(isViolation);
  if (violation) return permissionDenied(action, violation);
  if (isNoResponders(error)) return new NatsConnectionError('not-sent', action, error, NO_ANSWERER);
  return new NatsConnectionError(outcome, action, error);
}

/** What Node says where no server can be reached. */
const UNREACHED = /^(?:ECONN|EHOST|ENET|EAI_AGAIN|ENOTFOUND|ETIMEDOUT|EPIPE)/;
/** What the client says in such cases, and where a server starts or ends. */
const NO_SERVER = /^(?:connection refused|timeout|connection closed|error connecting)/i;

/**
 * Whether no connection could be made because no server can be reached yet: none listens, it starts,
 * or its name is not known. False where waiting does not help: a wrong password, a server without TLS.
 */
export function isAway(error: unknown): boolean {
  if (error === undefined) return true;
  const {
    code,
    message = '',
    cause,
  } = error as { code?: string; message?: string; cause?: unknown };
  if (UNREACHED.test(code ?? '') || NO_SERVER.test(message)) return true;
  return cause instanceof Error && isAway(cause);
}

const LOGIN_REMEDY =
  'Nothing was sent; correct user and password, token, nkey or credentials, or the authorization of the server.';
const TLS_REMEDY =
  'Nothing was sent; correct the option tls (ca, cert, key, servername), or the certificates of the server.';
const EXPIRED = 'Nothing was sent; make new credentials: those of this user have expired.';

/** What Node's TLS and the client say of certificates. */
const TLS = /tls|ssl|certificate|self.signed|altname|CERT_|UNABLE_TO_/i;

/**
 * Turns the error of a connection that could not be made into a typed error.
 * @param otherwise what to do, where the cause does not say it
 */
export function connectError(error: unknown, action: string, otherwise?: string): StreamsError {
  if (error instanceof StreamsError) return error;
  return new NatsConnectionError('not-sent', action, error, remedyFor(error) ?? otherwise);
}

function remedyFor(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === 'UserAuthenticationExpiredError') return EXPIRED;
  if (isLoginRefused(error)) return LOGIN_REMEDY;
  const { code = '' } = error as { code?: unknown };
  return TLS.test(`${String(code)} ${error.message}`) ? TLS_REMEDY : undefined;
}
