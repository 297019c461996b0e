import {
  PermissionDeniedError,
  ServerReplyError,
  type Refused,
} from '../../../core/errors/server.errors.js';
import { StreamsError } from '../../../core/errors/streams.error.js';
import { PostgresConnectionError, TooManyConnectionsError } from './postgres-connection.errors.js';
import {
  ReadOnlyServerError,
  ServerResourcesError,
  StatementCancelledError,
  TransactionConflictError,
} from './postgres-server.errors.js';

/** The five characters that PostgreSQL gives to each error. Undefined: the server did not answer. */
export function sqlStateOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('severity' in error)) return undefined;
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : undefined;
}

/** Nothing was done: the same statements may be sent again. */
export const isConflict = (error: unknown): boolean =>
  ['40001', '40P01'].includes(sqlStateOf(error) ?? '');

/** The schema, or a part of it, does not exist. */
export const isSchemaMissing = (error: unknown): boolean =>
  ['3F000', '42P01', '42883'].includes(sqlStateOf(error) ?? '');

/** The server takes no writes. A new connection may lead to one that does. */
export const isReadOnly = (error: unknown): boolean => sqlStateOf(error) === '25006';

/** The connection is broken, or the server starts or ends. A statement that was cancelled is not. */
export function isBroken(error: unknown): boolean {
  const state = sqlStateOf(error);
  return (
    state === undefined || state.startsWith('08') || ['57P01', '57P02', '57P03'].includes(state)
  );
}

/** What Node says where no server can be reached. */
const UNREACHED = /^(?:ECONN|EHOST|ENET|EAI_AGAIN|ENOTFOUND|ETIMEDOUT|EPIPE|ENOENT)/;

/**
 * Whether no connection could be made because no server can be reached yet: none listens, it starts,
 * or its name is not known. False where waiting does not help: a wrong password, a server without TLS.
 */
export function isAway(error: unknown): boolean {
  const state = sqlStateOf(error);
  if (state !== undefined) return isBroken(error);
  const { code, message } = error as { code?: string; message?: string };
  return UNREACHED.test(code ?? '') || message?.startsWith('Connection terminated') === true;
}

/** What `pg` says where it has not sent a statement. */
const NOT_SENT = /is not queryable|after calling end on the pool/;

/** Turns an error of a statement into a typed error. */
export function typedError(error: unknown, action: string): StreamsError {
  if (error instanceof StreamsError) return error;
  if (isBroken(error)) {
    const sent = error instanceof Error && NOT_SENT.test(error.message) ? 'not-sent' : 'unknown';
    return new PostgresConnectionError(sent, action, error);
  }
  return refusal(error as Error, action);
}

function refusal(error: Error, action: string): StreamsError {
  const state = sqlStateOf(error) ?? '';
  switch (state) {
    case '42501':
      return new PermissionDeniedError(action, error, deniedIn(error.message));
    case '25006':
      return new ReadOnlyServerError(action, error);
    case '57014':
    case '55P03':
      return new StatementCancelledError(action, error);
    case '40001':
    case '40P01':
      return new TransactionConflictError(action, error);
    default:
      return state.startsWith('53')
        ? new ServerResourcesError(action, error)
        : new ServerReplyError(action, error);
  }
}

const MAKE_SCHEMA =
  'This role may not make or change the schema: call migrate() once with a role that may, and set migrate: false.';
const GRANT =
  'Run the statements of grantsSql() as the owner of the schema: they grant all rights that the library needs.';

/** `permission denied for table delivery`: what the right is missing for, and what to do. */
function deniedIn(message: string): Refused {
  const key = /^permission denied for (.+)$/.exec(message)?.[1];
  const advice = key === undefined || key.startsWith('database ') ? MAKE_SCHEMA : GRANT;
  return { key, advice };
}

/** What to do where no connection could be made, by what the server or `pg` says. */
const REMEDIES: readonly (readonly [state: RegExp, remedy: string])[] = [
  [/^28/, 'Nothing was sent; correct the user name and the password, or pg_hba.conf.'],
  [/^3D000$/, 'Nothing was sent; create the database, or correct its name.'],
  [/^42501$/, 'Nothing was sent; grant CONNECT on the database to the role.'],
];

const POOL_BUSY = /^timeout exceeded when trying to connect$/;

/**
 * Turns the error of a connection that could not be made into a typed error.
 * @param otherwise what to do, where the cause does not say it
 */
export function connectError(error: unknown, action: string, otherwise?: string): StreamsError {
  if (error instanceof StreamsError) return error;
  const state = sqlStateOf(error) ?? '';
  if (state === '53300') return new TooManyConnectionsError(action, error);
  const remedy = isPoolBusy(error)
    ? 'All connections of the pool are in use: raise maxConnections, or look for statements that wait.'
    : REMEDIES.find(([known]) => known.test(state))?.[1];
  return new PostgresConnectionError('not-sent', action, error, remedy ?? otherwise);
}

/** All connections are in use, which says nothing of the server. */
export const isPoolBusy = (error: unknown): boolean =>
  error instanceof Error && POOL_BUSY.test(error.message);
