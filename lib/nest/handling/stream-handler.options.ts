import { HANDLER_OPTIONS, type HandlerOptions } from '../../options/handler-options.js';
import { either, list, text } from '../../core/declaring/kinds.js';
import type { Problems } from '../../core/declaring/option.js';
import { declareOptions, isRecord, type Given } from '../../core/declaring/shape.js';
import { shown } from '../../core/declaring/wording.js';
import { DEFAULT_NAME } from '../tokens.js';

const { balanced: _, ...OWN } = HANDLER_OPTIONS.options;

const EVENTS = either(
  'event types: texts that are not empty',
  text(),
  list(text(), 'a list of event types that is not empty', 1),
);

const STREAM_ONLY = declareOptions('@StreamHandler', {
  /** Stream to read. @default what routing gives for the events */
  stream: text('the name of a stream'),
  /** Name of the transport that feeds this handler. @default 'default' */
  name: text().default(DEFAULT_NAME),
});

const SOURCES_ONLY = declareOptions('@StreamHandler', {
  /** Event types; `*` matches any run of characters. @default '*' */
  events: EVENTS.default('*'),
});

/** What a handler sets for itself; the rest comes from the transport. Times in milliseconds. */
export interface StreamHandlerOptions
  extends Omit<HandlerOptions, 'balanced'>, Given<typeof STREAM_ONLY> {}

/** The form of `@StreamHandler` that begins with streams. */
export interface StreamHandlerSources extends StreamHandlerOptions, Given<typeof SOURCES_ONLY> {}

export const STREAM_HANDLER_OPTIONS = declareOptions(
  '@StreamHandler',
  { ...OWN, ...STREAM_ONLY.options },
  ...HANDLER_OPTIONS.rules,
  oneStreamOption,
);

export const STREAM_HANDLER_SOURCES = declareOptions(
  '@StreamHandler',
  { ...STREAM_HANDLER_OPTIONS.options, ...SOURCES_ONLY.options },
  ...STREAM_HANDLER_OPTIONS.rules,
  ({ stream, streams }) =>
    stream === undefined && streams === undefined
      ? ['streams must be named, or the events as first argument']
      : [],
);

/** What the arguments of `@StreamHandler` say. */
export interface HandlerDeclaration {
  readonly events: readonly string[];
  readonly options: HandlerOptions;
  /** Name of the transport. */
  readonly name: string;
}

type Loose = Readonly<Record<string, unknown>>;

/** Reads the arguments of `@StreamHandler`; tells what is wrong with them in `problems`. */
export function readDeclaration(args: readonly unknown[], problems: string[]): HandlerDeclaration {
  const [first, second = {}] = args;
  const sourcesFirst = isRecord(first);
  if (args.length > (sourcesFirst ? 1 : 2) || args.length === 0) {
    problems.push("write @StreamHandler('event', options?) or @StreamHandler({ streams, … })");
  }
  const shape = sourcesFirst ? STREAM_HANDLER_SOURCES : STREAM_HANDLER_OPTIONS;
  const given = sourcesFirst ? first : second;
  problems.push(...shape.problems(given, '', 'the options'));
  const options = isRecord(given) ? given : {};
  const events = sourcesFirst ? (options['events'] ?? '*') : first;
  if (!sourcesFirst) problems.push(...EVENTS.required().problems(events, 'events'));
  const name = options['name'] ?? DEFAULT_NAME;
  return { events: listOf(events, problems), options: withStreams(options), name: name as string };
}

/** The options among others' extras. The others are checked with all handlers, by their names. */
export function readHandlerOptions(extras: Loose, problems: string[]): HandlerOptions {
  const known = [...Object.keys(OWN), 'stream'].filter((name) => extras[name] !== undefined);
  const given = Object.fromEntries(known.map((name) => [name, extras[name]]));
  const { stream } = STREAM_ONLY.options;
  problems.push(...oneStreamOption(given), ...stream.problems(given['stream'], 'stream'));
  return withStreams(given);
}

/** The options of the engine, which knows several streams only, and no events or name. */
function withStreams({ stream, streams = stream && [stream], ...given }: Loose): HandlerOptions {
  const known = Object.entries(given).filter(([name]) => name in OWN);
  const named = streams as readonly string[] | undefined;
  return { ...Object.fromEntries(known), ...(named && { streams: named }) };
}

function listOf(given: unknown, problems: string[]): readonly string[] {
  const events: unknown[] = Array.isArray(given) ? given : [given];
  const twice = events.find((event, index) => events.indexOf(event) !== index);
  if (twice !== undefined) problems.push(`events must not name ${shown(twice)} twice`);
  return events as readonly string[];
}

function oneStreamOption({ stream, streams }: Loose): Problems {
  return stream !== undefined && streams !== undefined
    ? ['stream or streams must be given, not both']
    : [];
}
