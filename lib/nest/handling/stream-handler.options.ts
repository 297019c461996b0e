import type { HandlerOptions } from '../../core/handler-options.js';
import { handlerProblems } from '../../options/handler-problems.js';
import { DEFAULT_NAME } from '../tokens.js';

/** What a handler sets for itself; the rest comes from the transport. Times in ms. */
export interface StreamHandlerOptions extends HandlerOptions {
  /** Stream to read. @default what routing gives for the events */
  readonly stream?: string;
  /** Name of the transport that feeds this handler. @default 'default' */
  readonly name?: string;
}

/** The form of `@StreamHandler` that begins with streams. */
export interface StreamHandlerSources extends StreamHandlerOptions {
  /** Streams to read. `stream` may name a single one instead. */
  readonly streams?: readonly string[];
  /** Event types; `*` matches any run of characters. @default '*' */
  readonly events?: string | readonly string[];
}

/** What the arguments of `@StreamHandler` say. */
export interface HandlerDeclaration {
  readonly events: readonly string[];
  readonly options: HandlerOptions;
  /** Name of the transport. */
  readonly name: string;
}

/** What a handler may set, in `@StreamHandler` and in the extras of `@EventPattern`. */
const HANDLER_OPTIONS = [
  'stream',
  'streams',
  'group',
  'concurrency',
  'maxDeliveries',
  'backoff',
  'timeout',
  'maxHold',
  'dedupe',
  'inbox',
  'plainInstructions',
  'batch',
  'orderBy',
] as const satisfies readonly (keyof StreamHandlerOptions)[];

type Loose = Readonly<Record<string, unknown>>;

/** Reads the arguments of `@StreamHandler`; tells what is wrong with them in `problems`. */
export function readDeclaration(args: readonly unknown[], problems: string[]): HandlerDeclaration {
  const [first, second] = args;
  const sourcesFirst = isPlainObject(first);
  if (args.length > (sourcesFirst ? 1 : 2) || args.length === 0) {
    problems.push("write @StreamHandler('event', options?) or @StreamHandler({ streams, … })");
  }
  const given = (sourcesFirst ? first : (second ?? {})) as Loose;
  if (!isPlainObject(given)) problems.push('the options must be an object');
  refuseUnknown(
    given,
    sourcesFirst ? [...HANDLER_OPTIONS, 'name', 'events'] : [...HANDLER_OPTIONS, 'name'],
    problems,
  );
  if (sourcesFirst && given['stream'] === undefined && given['streams'] === undefined) {
    problems.push('name the streams, or the events as first argument');
  }
  const events = readEvents(sourcesFirst ? (given['events'] ?? '*') : first, problems);
  const name = given['name'] ?? DEFAULT_NAME;
  if (!isText(name)) problems.push('name must be a text that is not empty');
  const options = readHandlerOptions(given, problems);
  problems.push(...handlerProblems(options));
  return { events, options, name: String(name) };
}

/** The options among others' extras. */
export function readHandlerOptions(given: Loose, problems: string[]): HandlerOptions {
  const { stream, streams, ...options } = Object.fromEntries(
    HANDLER_OPTIONS.filter((key) => given[key] !== undefined).map((key) => [key, given[key]]),
  );
  if (stream !== undefined && streams !== undefined)
    problems.push('give stream or streams, not both');
  const named = stream === undefined ? streams : [stream];
  if (named === undefined) return options;
  if (!Array.isArray(named) || named.length === 0 || !named.every(isText)) {
    problems.push('stream must be the name of a stream, streams a list of names');
    return options;
  }
  return { ...options, streams: named };
}

function readEvents(given: unknown, problems: string[]): readonly string[] {
  const events: unknown[] = Array.isArray(given) ? given : [given];
  if (events.length === 0 || !events.every(isText)) {
    problems.push('events must be event types: texts that are not empty');
  }
  if (new Set(events).size < events.length) problems.push('events must not name one twice');
  return events as readonly string[];
}

function refuseUnknown(given: Loose, known: readonly string[], problems: string[]): void {
  for (const key of Object.keys(given)) {
    if (!known.includes(key)) problems.push(`${key} is no option; there are ${known.join(', ')}`);
  }
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

function isPlainObject(value: unknown): value is Loose {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
