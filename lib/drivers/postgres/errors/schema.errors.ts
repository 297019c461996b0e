import { messageOf } from '../../../core/errors/error-record.js';
import { StreamsError } from '../../../core/errors/streams.error.js';

/**
 * The driver's schema does not exist, or lacks a table or a function: the driver may not make the
 * schema, or it was deleted while the driver ran. In the second case the driver makes it again with the
 * next statement, unless `migrate` is `false`.
 */
export class SchemaMissingError extends StreamsError {
  static readonly code: string = 'SCHEMA_MISSING';
  static readonly advice: string =
    'Call migrate() once with a role that may create a schema, or set migrate: true.';

  constructor(
    readonly schema: string,
    cause?: unknown,
  ) {
    super(
      SchemaMissingError.code,
      `The schema "${schema}" of the driver does not exist, or is not complete${
        cause === undefined ? '' : `: ${messageOf(cause)}`
      }. ${SchemaMissingError.advice}`,
      cause,
    );
  }
}

/** The driver's schema has an older version than this library needs. */
export class SchemaTooOldError extends StreamsError {
  static readonly code: string = 'SCHEMA_TOO_OLD';
  static readonly advice: string =
    'Call migrate() once with the role that owns the schema, or set migrate: true.';

  constructor(
    readonly schema: string,
    readonly found: number,
    readonly needed: number,
  ) {
    super(
      SchemaTooOldError.code,
      `The schema "${schema}" has version ${found}, and this library needs version ${needed}. ${SchemaTooOldError.advice}`,
    );
  }
}

/** The driver's schema was made for newer libraries, and this library cannot work with it. */
export class SchemaTooNewError extends StreamsError {
  static readonly code: string = 'SCHEMA_TOO_NEW';
  static readonly advice: string = 'Update this library, or give it a schema of its own.';

  constructor(
    readonly schema: string,
    readonly found: number,
    readonly needed: number,
  ) {
    super(
      SchemaTooNewError.code,
      `The schema "${schema}" has version ${found}, with which libraries of version ${needed} cannot work. ${SchemaTooNewError.advice}`,
    );
  }
}
