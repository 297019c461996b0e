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
