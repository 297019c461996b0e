import type { NamedDriverFactory } from '../options/slots-options.js';

/**
 * A schema that validates the options of a driver, by the interface that zod, valibot, arktype and
 * others share: https://standardschema.dev. The library calls `validate` and nothing else.
 */
export interface ConfigSchema<Config = unknown> {
  readonly '~standard': {
    readonly validate: (value: unknown) => SchemaResult<Config> | Promise<SchemaResult<Config>>;
  };
}

/** Issues, or the value that the schema makes of what it was given. */
export type SchemaResult<Config = unknown> =
  | { readonly value: Config; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One thing that a schema found wrong. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** A driver with a schema that checks its options in a file. */
export interface DriverWithSchema {
  /** Makes the driver of what the schema has validated. */
  readonly driver: NamedDriverFactory;
  /** Of zod, valibot, arktype, or any other that has `~standard`. */
  readonly schema: ConfigSchema;
}

/** Drivers of other packages, by the names that files call them by. */
export type ConfigDrivers = Readonly<Record<string, NamedDriverFactory | DriverWithSchema>>;
