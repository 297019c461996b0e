import { PermissionDeniedError, ServerReplyError } from '../../../core/errors/server.errors.js';
import { StreamsError } from '../../../core/errors/streams.error.js';
import { PostgresConnectionError } from './postgres-connection.errors.js';

/** How far a statement had come: PostgreSQL may have carried out one that was sent. */
export type Sent = 'not-sent' | 'unknown';

/** The five characters that PostgreSQL gives to each error. Undefined: the server did not answer. */
export function sqlStateOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('severity' in error)) return undefined;
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : undefined;
}

/** Nothing was done: the same statements may be sent again. */
export const isConflict = (error: unknown): boolean =>
  sqlStateOf(error) === '40001' || sqlStateOf(error) === '40P01';

/** The schema, or a part of it, does not exist. */
export const isSchemaMissing = (error: unknown): boolean =>
  ['3F000', '42P01', '42883'].includes(sqlStateOf(error) ?? '');

/** The connection is broken or the server ends it. */
export const isBroken = (error: unknown): boolean => {
  const state = sqlStateOf(error);
  return state === undefined || state.startsWith('08') || state.startsWith('57P');
};

/** Turns an error of `pg` into a typed error. */
export function typedError(error: unknown, action: string, sent: Sent): StreamsError {
  if (error instanceof StreamsError) return error;
  if (isBroken(error)) return new PostgresConnectionError(sent, action, error);
  switch (sqlStateOf(error)) {
    case '42501':
    case '28000':
    case '28P01':
      return new PermissionDeniedError(action, error);
    default:
      return new ServerReplyError(action, error);
  }
}
