import { HANDLER_OPTIONS, type HandlerOptions } from '../../options/handler-options.js';
import { either, list, text } from '../../core/option-schema/kinds.js';
import type { Problems } from '../../core/option-schema/option.js';
import { declareOptions, type Given } from '../../core/option-schema/shape.js';
import { DEFAULT_NAME } from '../../options/streams-options.js';

type Loose = Readonly<Record<string, unknown>>;

/**
 * The options that all handlers share. They are declared in `handler-options.ts`: a new option goes
 * there. This file has only what a decorator says beside them.
 */
const { balanced: _, ...shared } = HANDLER_OPTIONS.options;
export const SHARED = shared;

export const EVENTS = either(
  'event types: texts that are not empty',
  text(),
  list(text(), 'a list of event types that is not empty', 1),
);

export const STREAM_ONLY = declareOptions('@StreamHandler', {
  /** The stream to read. Not beside `streams`. @default by routing */
  stream: text('the name of a stream'),
  /** Name of the transport whose messages this handler gets. @default 'default' */
  name: text().default(DEFAULT_NAME),
});

const SOURCES_ONLY = declareOptions('@StreamHandler', {
  /** Event types; `*` matches any run of characters. @default '*' */
  events: EVENTS.default('*'),
});

/**
 * Options of one handler. Others come from the transport. Times in milliseconds.
 *
 * @typeParam P the payload of its messages, for the functions of `filter`, `dedupe`, `inbox` and `orderBy`
 */
export interface StreamHandlerOptions<P = unknown>
  extends Omit<HandlerOptions<P>, 'balanced'>, Given<typeof STREAM_ONLY> {}

/**
 * The form of `@StreamHandler` that begins with streams.
 *
 * @typeParam P the payload of its messages, for the functions of `filter`, `dedupe`, `inbox` and `orderBy`
 */
export interface StreamHandlerSources<P = unknown>
  extends StreamHandlerOptions<P>, Given<typeof SOURCES_ONLY> {}

export const STREAM_HANDLER_OPTIONS = declareOptions(
  '@StreamHandler',
  { ...SHARED, ...STREAM_ONLY.options },
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

/** `stream` and `streams` exclude each other. */
export function oneStreamOption({ stream, streams }: Loose): Problems {
  return stream !== undefined && streams !== undefined
    ? ['stream or streams must be given, not both']
    : [];
}
