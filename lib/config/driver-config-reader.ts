import { InvalidOptionsError } from '../core/errors/start-up.errors.js';
import { nested } from '../core/option-schema/kinds.js';
import type { AnyOption } from '../core/option-schema/option.js';
import { NAMED_DRIVER_OPTIONS, type NamedDriverFactory } from '../options/slots-options.js';
import { BROKEN } from './assignments.js';
import { checkFor } from './driver-configs.js';
import type { OptionReader } from './option-reader.js';
import type { ConfigDrivers, ConfigSchema, SchemaIssue } from './config-drivers.js';
import { nameInFiles } from './file-keys.js';
import type { FileNode, Place } from './file-node.js';
import type { Findings } from './findings.js';

/** Shorter texts are parts of too many words. */
const SHORTEST_HIDDEN = 3;

/** What was read of the options of a driver, and where. */
interface ReadConfig {
  readonly config: object;
  readonly node: FileNode;
  readonly path: string;
}

interface ConfigContext {
  readonly drivers: ConfigDrivers;
  readonly findings: Findings;
  readonly reader: OptionReader;
}

/** Reads the options of the driver that a slot names, and lets the driver check them. */
export function readDriverConfig(
  driver: unknown,
  node: FileNode,
  path: string,
  { drivers, findings, reader }: ConfigContext,
): unknown {
  const check = checkFor(driver, drivers);
  if (check?.by === 'declaration') {
    const { shape } = check;
    return reader.read(nested(shape) as AnyOption, node, path);
  }
  const config = reader.read(NAMED_DRIVER_OPTIONS.options.config as AnyOption, node, path);
  if (config === BROKEN || !check) return config;
  const read = { config: config as object, node, path };
  return check.by === 'schema'
    ? checkBySchema(check.schema, read, findings)
    : checkByDriver(check.make, read, findings);
}

/** Lets the schema of a driver check its options. Answers what the schema makes of them. */
function checkBySchema(
  schema: ConfigSchema,
  { config, node, path }: ReadConfig,
  findings: Findings,
): unknown {
  const result = schema['~standard'].validate(config);
  if (result instanceof Promise) {
    result.catch(() => undefined);
    findings.add(
      node.at,
      path,
      'the schema of this driver answers later; loadConfig needs one that answers at once',
    );
    return BROKEN;
  }
  if (result.issues === undefined) return result.value;
  for (const issue of result.issues) {
    const found = placeOf(issue, node, path);
    findings.add(found.at, found.path, withoutValues(issue.message, config));
  }
  return BROKEN;
}

/** Lets a driver check its options: by making it once. Making it opens nothing. */
function checkByDriver(
  make: NamedDriverFactory,
  { config, node, path }: ReadConfig,
  findings: Findings,
): unknown {
  try {
    make(config as never);
    return config;
  } catch (error) {
    const problems = error instanceof InvalidOptionsError ? error.problems : [messageOf(error)];
    for (const problem of problems) findings.add(node.at, path, withoutValues(problem, config));
    return BROKEN;
  }
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : 'the driver refuses these options';

/** Where an issue is, as far as the file has its path. */
function placeOf(issue: SchemaIssue, node: FileNode, path: string): { at: Place; path: string } {
  let current: FileNode | undefined = node;
  let at = node.at;
  let found = path;
  for (const part of issue.path ?? []) {
    const key = typeof part === 'object' ? part.key : part;
    if (typeof key === 'number') {
      current = current?.is === 'list' ? current.items[key] : undefined;
      found += `[${key}]`;
    } else {
      const names = [String(key), nameInFiles(String(key))];
      const entry: { node: FileNode; key: string } | undefined =
        current?.is === 'map' ? current.entries.find((one) => names.includes(one.key)) : undefined;
      current = entry?.node;
      found += `.${entry?.key ?? names[1]}`;
    }
    at = current?.at ?? at;
  }
  return { at, path: found };
}

/** A sentence of another package, without the texts and numbers that the file has. */
function withoutValues(sentence: string, config: unknown): string {
  return valuesIn(config)
    .filter((value) => value.length >= SHORTEST_HIDDEN)
    .toSorted((a, b) => b.length - a.length)
    .reduce((text, value) => text.replaceAll(value, '…'), sentence);
}

function valuesIn(config: unknown): string[] {
  if (typeof config === 'object' && config !== null) return Object.values(config).flatMap(valuesIn);
  return typeof config === 'string' || typeof config === 'number' ? [String(config)] : [];
}
