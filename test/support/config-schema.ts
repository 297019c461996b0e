import type { AnyOption, DeclaredOptions, Form } from '../../lib/core/option-schema/option.js';
import { CONSUMER, CONSUMERS } from '../../lib/config/consumer-file.js';
import { DURATION_PATTERN } from '../../lib/config/duration.js';
import { DECLARED_DRIVERS } from '../../lib/config/driver-configs.js';
import { keysOf, nameInFiles, type FileKey } from '../../lib/config/file-keys.js';
import { NAMED_DRIVER_OPTIONS } from '../../lib/options/slots-options.js';
import { optionComments } from './option-comments.js';

/** Keys that do not simply mean the option that they set. */
const SAYS: Readonly<Record<string, string>> = {
  max_retries: 'Runs after the first one: max_retries: 3 is max_deliveries: 4.',
  batch_size:
    'Most messages of a batch, for handlers of batches that name no size, and concurrency for the others. 0: one at a time.',
};

type Json = Readonly<Record<string, unknown>>;

const comments = optionComments([
  ...['streams', 'reading', 'handler', 'commits', 'lag', 'retention', 'slots'].map(
    (name) => `lib/options/${name}-options.ts`,
  ),
  'lib/options/routes.ts',
  'lib/options/dead-letter-strategy.ts',
  'lib/drivers/kafka/connection/kafka.options.ts',
  'lib/drivers/nats/connection/nats.options.ts',
  'lib/drivers/postgres/connection/postgres.options.ts',
  'lib/drivers/redis/connection/redis.options.ts',
  'lib/drivers/memory/memory.driver.ts',
  'lib/config/consumer-file.ts',
]);

/** A number, or true or false, that a variable gives. */
const VARIABLE = { $ref: '#/$defs/variable' };

/**
 * The JSON Schema of files of configuration, for editors: made of the declarations by which
 * `loadConfig` reads them. Written to config.schema.json by `npm run docs:config-schema`.
 */
export function configSchema(): Json {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Configuration of nestjs-redis-streams',
    ...where({ required: ['consumers'] }, { $ref: '#/$defs/consumers' }),
    else: { $ref: '#/$defs/consumer' },
    $defs: {
      variable: { type: 'string', pattern: String.raw`\$\{[A-Za-z_]\w*(:[-?][^}]*)?\}` },
      consumer: object(CONSUMER as DeclaredOptions),
      consumers: object(CONSUMERS as DeclaredOptions),
      ...Object.fromEntries(
        [...DECLARED_DRIVERS].map(([driver, shape]) => [
          driver,
          orNothing(object(shape as DeclaredOptions)),
        ]),
      ),
    },
  };
}

function object(shape: DeclaredOptions): Json {
  const keys = [...keysOf(shape)].filter(([, { as }]) => as.kind.form);
  const required = Object.entries(shape.options)
    .filter(([, { presence }]) => presence === 'required')
    .map(([name, option]) => nameInFiles(name, option));
  return {
    type: 'object',
    properties: Object.fromEntries(
      keys.map(([key, meaning]) => {
        const schema = property(shape, meaning, SAYS[key]);
        return [key, required.includes(key) ? schema : orNothing(schema)];
      }),
    ),
    ...(required.length > 0 && { required }),
    additionalProperties: false,
    ...(shape === (NAMED_DRIVER_OPTIONS as DeclaredOptions) && { allOf: driverConfigs() }),
  };
}

/** Which options a driver has depends on its name. */
const driverConfigs = (): Json[] =>
  [...DECLARED_DRIVERS.keys()].map((driver) =>
    where(
      { properties: { driver: { const: driver } }, required: ['driver'] },
      { properties: { config: { $ref: `#/$defs/${driver}` } } },
    ),
  );

/** What holds for values that match. */
// oxlint-disable-next-line unicorn/no-thenable -- a word of JSON Schema
const where = (matches: Json, holds: Json): Json => ({ if: matches, then: holds });

function property(
  shape: DeclaredOptions,
  { as, targets, own }: FileKey,
  says: string | undefined,
): Json {
  const [name = ''] = targets[0]!.path;
  const comment = comments.get(`${shape.of}.${name}`) ?? comments.get(`.${name}`);
  const sets = `Sets ${targets.map(({ path }) => path.join('.')).join(' and ')}.`;
  const description = own ? comment : (says ?? sets);
  return { ...(description !== undefined && { description: plain(description) }), ...valueOf(as) };
}

/** A key with nothing behind it counts as left out. */
function orNothing(schema: Json): Json {
  return 'anyOf' in schema
    ? { ...schema, anyOf: [...(schema['anyOf'] as Json[]), { type: 'null' }] }
    : { ...schema, type: [schema['type'], 'null'] };
}

/** Without marks that editors do not show. */
const plain = (comment: string): string => comment.replaceAll('`', '').replaceAll(/\s+/g, ' ');

function valueOf(option: AnyOption): Json {
  const form = option.kind.form!;
  return form.is === 'options' ? object(form.shape) : schemaOf(form);
}

function schemaOf(form: Exclude<Form, { is: 'options' }>): Json {
  switch (form.is) {
    case 'number':
    case 'whole':
      return { anyOf: [bounded(form.is === 'whole' ? 'integer' : 'number', form), VARIABLE] };
    case 'duration':
      return {
        anyOf: [bounded('number', form), { type: 'string', pattern: DURATION_PATTERN }, VARIABLE],
      };
    case 'text':
      return { type: 'string', ...(!form.mayBeEmpty && { minLength: 1 }) };
    case 'flag':
      return { anyOf: [{ type: 'boolean' }, VARIABLE] };
    case 'one of':
      return { anyOf: [{ enum: form.values }, VARIABLE] };
    case 'list':
      return {
        type: 'array',
        items: valueOf(form.of),
        ...(form.least > 0 && { minItems: form.least }),
      };
    case 'either':
      return { anyOf: form.alternatives.map(valueOf) };
    case 'object':
      return { type: 'object' };
  }
}

const bounded = (
  type: string,
  { min, max }: { readonly min: number; readonly max: number },
): Json => ({
  type,
  minimum: min,
  ...(max < Number.MAX_SAFE_INTEGER && { maximum: max }),
});
