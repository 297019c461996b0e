import { read } from '../core/errors/text-of.js';
import { isObject } from '../core/option-schema/shape.js';
import { isThenable } from '../core/option-schema/wording.js';
import type { NamedDriverFactory } from '../options/slots-options.js';
import { BROKEN } from './assignments.js';
import type { ConfigSchema, SchemaIssue } from './config-drivers.js';
import { nameInFiles } from './file-keys.js';
import { below, joined, type FileEntry, type FileNode, type Place } from './file-node.js';
import type { Findings } from './findings.js';
import { withoutValues } from './hidden-values.js';

/** What was read of the options of a driver, and where. */
export interface ReadConfig {
  readonly driver: string;
  readonly config: object;
  readonly node: FileNode;
  readonly path: string;
}

/** Lets the schema of a driver check its options. Answers what the schema makes of them. */
export function checkBySchema(
  schema: ConfigSchema,
  config: ReadConfig,
  findings: Findings,
): unknown {
  const { driver, node, path } = config;
  try {
    const result: unknown = schema['~standard'].validate(config.config);
    const issues = isObject(result) ? result['issues'] : undefined;
    if (Array.isArray(issues)) {
      for (const issue of issues) addIssue((issue ?? {}) as SchemaIssue, config, findings);
      if (issues.length > 0) return BROKEN;
    }
    const value = isObject(result) ? result['value'] : undefined;
    if (isObject(value)) return value;
    findings.add(node.at, path, wrongResult(result));
  } catch (error) {
    findings.add(
      node.at,
      path,
      `the schema of the driver ${driver} fails: read error.cause`,
      error,
    );
  }
  return BROKEN;
}

function wrongResult(result: unknown): string {
  return answersLater(result)
    ? 'the schema of this driver answers later; loadConfig needs one that answers at once'
    : 'the schema of this driver answers neither issues nor an object as value: loadConfig needs one of them';
}

/** Lets a driver check its options: by making it once. Making it opens nothing. */
export function checkByDriver(
  make: NamedDriverFactory,
  { driver, config, node, path }: ReadConfig,
  findings: Findings,
): unknown {
  const add = (message: string, cause?: unknown): void =>
    findings.add(node.at, path, message, cause);
  try {
    const made: unknown = make(config as never);
    if (isObject(made) && typeof made['open'] === 'function') return config;
    add(
      answersLater(made)
        ? `the function of the driver ${driver} answers a promise: it must answer the driver at once, and connect in its method open`
        : `the function of the driver ${driver} answers no driver: it must answer an object with the method open`,
    );
  } catch (error) {
    const problems = problemsOf(error);
    if (!problems) add(`the function of the driver ${driver} fails: read error.cause`, error);
    for (const problem of problems ?? []) add(withoutValues(problem, config));
  }
  return BROKEN;
}

/** The problems of an InvalidOptionsError, which may be that of another copy of this package. */
function problemsOf(error: unknown): readonly string[] | undefined {
  if (!isObject(error) || read(error, 'code') !== 'INVALID_OPTIONS') return undefined;
  const problems = read(error, 'problems');
  return Array.isArray(problems) ? problems.map(String) : undefined;
}

/** Whether this is a promise. Its rejection is caught, and does not end the process. */
function answersLater(answer: unknown): boolean {
  if (!isObject(answer) || !isThenable(answer)) return false;
  Promise.resolve(answer).catch(() => undefined);
  return true;
}

function addIssue(
  issue: SchemaIssue,
  { config, node, path }: ReadConfig,
  findings: Findings,
): void {
  const message: unknown = issue.message;
  const said = typeof message === 'string' && message !== '' ? message : 'is refused by the schema';
  const found = placeOf(issue, node, path, config);
  findings.add(found.at, found.path, withoutValues(said, config));
}

/** Where an issue is, as far as the file has its path. */
function placeOf(
  issue: SchemaIssue,
  node: FileNode,
  path: string,
  config: object,
): { at: Place; path: string } {
  let current: FileNode | undefined = node;
  let at = node.at;
  let found = path;
  for (const part of Array.isArray(issue.path) ? issue.path : []) {
    const key: unknown = isObject(part) ? part['key'] : part;
    if (typeof key === 'number') {
      current = current?.is === 'list' ? current.items[key] : undefined;
      found += `[${key}]`;
    } else {
      const names = [String(key), nameInFiles(String(key))];
      const entry: FileEntry | undefined =
        current?.is === 'map' ? current.entries.find((one) => names.includes(one.key)) : undefined;
      current = entry?.node;
      found = entry
        ? below(found, entry)
        : joined(found, nameInFiles(withoutValues(String(key), config)));
    }
    at = current?.at ?? at;
  }
  return { at, path: found };
}
