import type { HandlerOptions } from '../../options/handler-options.js';
import {
  EVENTS,
  SHARED,
  oneStreamOption,
  STREAM_HANDLER_OPTIONS,
  STREAM_HANDLER_SOURCES,
  STREAM_ONLY,
} from './handler-sources.js';
import { isRecord } from '../../core/option-schema/shape.js';
import { shown } from '../../core/option-schema/wording.js';
import { DEFAULT_NAME } from '../../options/streams-options.js';

/** What the arguments of `@StreamHandler` declare. */
export interface HandlerDeclaration {
  readonly events: readonly string[];
  readonly options: HandlerOptions;
  /** Name of the transport. */
  readonly name: string;
}

type Loose = Readonly<Record<string, unknown>>;

/** Reads the arguments of `@StreamHandler`, and adds what is wrong with them to `problems`. */
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

/**
 * The handler options among the extras of a pattern. All handlers are checked together later, by
 * their names.
 */
export function readHandlerOptions(extras: Loose, problems: string[]): HandlerOptions {
  const known = [...Object.keys(SHARED), 'stream'].filter((name) => extras[name] !== undefined);
  const given = Object.fromEntries(known.map((name) => [name, extras[name]]));
  const { stream } = STREAM_ONLY.options;
  problems.push(...oneStreamOption(given), ...stream.problems(given['stream'], 'stream'));
  return withStreams(given);
}

/** The options of the engine, which has only `streams`, and no events or name. */
function withStreams({ stream, streams = stream && [stream], ...given }: Loose): HandlerOptions {
  const known = Object.entries(given).filter(([name]) => name in SHARED);
  const named = streams as readonly string[] | undefined;
  return { ...Object.fromEntries(known), ...(named && { streams: named }) };
}

function listOf(given: unknown, problems: string[]): readonly string[] {
  const events: unknown[] = Array.isArray(given) ? given : [given];
  const twice = events.find((event, index) => events.indexOf(event) !== index);
  if (twice !== undefined) problems.push(`events must not name ${shown(twice)} twice`);
  return events as readonly string[];
}
