import { StreamsError } from './streams.error.js';

/**
 * Options that cannot work, or that do not exist. `problems` names all of them at once. Thrown when
 * the transport or client is made, by a module when the application starts, by `@StreamHandler` when
 * the class is defined, for options of `@EventPattern` at `listen`, and by `context.retry(ms)` for
 * a value that is no time.
 */
export class InvalidOptionsError extends StreamsError {
  static readonly code: string = 'INVALID_OPTIONS';
  static readonly advice: string = 'Correct each of these options.';

  constructor(readonly problems: readonly string[]) {
    super(
      InvalidOptionsError.code,
      `These options cannot work:\n${problems.map((p) => `- ${p}\n`).join('')}` +
        InvalidOptionsError.advice,
    );
  }
}

/**
 * - `methods`: two methods, or functions.
 * - `one-method`: one method twice: its controller is in two modules, or two classes inherit it.
 * - `consumers`: two consumers of this process have one name.
 */
export type HandlerConflict = 'methods' | 'one-method' | 'consumers';

const CONFLICT_ADVICE: Readonly<Record<HandlerConflict, string>> = {
  methods:
    'Give one of them another group (each group gets every message) or other events, or let one method handle both.',
  'one-method':
    'Its controller is in two modules, or two classes inherit it: list it in one module and import that module, or give one class other events or another group.',
  consumers:
    'Give each consumer a name of its own by the option consumer: they then share the messages, and each hands over the events that only the other handles. If each consumer is to get every message, give them groups of their own.',
};

/**
 * Handlers of one group would take the same events of the same stream, or cannot read it side by side.
 * `why` says which case it is: `methods`, `one-method` or `consumers`.
 */
export class HandlerConflictError extends StreamsError {
  static readonly code: string = 'HANDLER_CONFLICT';
  static readonly advice: string = Object.entries(CONFLICT_ADVICE)
    .map(([why, advice]) => `\`${why}\`: ${advice}`)
    .join(' ');

  constructor(
    readonly why: HandlerConflict,
    problem: string,
  ) {
    super(HandlerConflictError.code, `${problem} ${CONFLICT_ADVICE[why]}`);
  }
}

/**
 * Some handlers of one stream and group set `orderBy`, and others do not: messages would overtake each
 * other unnoticed.
 */
export class OrderConflictError extends StreamsError {
  static readonly code: string = 'ORDER_CONFLICT';
  static readonly advice: string =
    'Let all of them set orderBy, or give the handlers that need no order another group or stream. A message for which orderBy returns undefined is in no order. Requests are answered in no order.';

  constructor(ordered: string, unordered: string, group: string, stream: string) {
    super(
      OrderConflictError.code,
      `${ordered} sets orderBy and ${unordered} does not, for stream "${stream}" in group "${group}". ` +
        OrderConflictError.advice,
    );
  }
}

/**
 * Two handlers of one stream and group would use the same name for their deduplication keys, so that one
 * handler would take messages of the other for duplicates.
 */
export class DedupeConflictError extends StreamsError {
  static readonly code: string = 'DEDUPE_CONFLICT';
  static readonly advice: string = 'Give one of them another name in that option.';

  constructor(
    option: 'dedupe' | 'inbox',
    first: string,
    second: string,
    where: { readonly group: string; readonly stream: string; readonly name: string },
  ) {
    const { group, stream, name } = where;
    super(
      DedupeConflictError.code,
      `${first} and ${second} both use the name "${name}" for their keys of option ${option}, for stream ` +
        `"${stream}" in group "${group}". ${DedupeConflictError.advice}`,
    );
  }
}

/**
 * A handler takes a pattern such as `issues.*`, and neither the handler nor a route names the stream of
 * these events.
 */
export class WildcardWithoutStreamError extends StreamsError {
  static readonly code: string = 'WILDCARD_WITHOUT_STREAM';
  static readonly advice: string =
    'Set the handler option stream, or add a route for these events.';

  constructor(handler: string, event: string) {
    super(
      WildcardWithoutStreamError.code,
      `${handler} takes "${event}", which names no stream. ${WildcardWithoutStreamError.advice}`,
    );
  }
}

/**
 * The driver, or this version, does not have a feature: `orderBy`, `unmatched: 'leave'` or a load balancer
 * on a message source that cannot hold single messages; dead letters of a driver without a queue; requests
 * on a driver without answers; `context.retry()` or `context.deadLetter()` for a request; an
 * `idempotencyKey` or `waitReplicas` with a driver that cannot keep to it, thrown when the message is
 * published.
 */
export class UnsupportedFeatureError extends StreamsError {
  static readonly code: string = 'UNSUPPORTED_FEATURE';
  static readonly advice: string = 'Do without the feature, or do what the message says.';

  /** @param advice what to do instead */
  constructor(feature: string, technology: string, advice: string) {
    super(UnsupportedFeatureError.code, `${feature} is not available on ${technology}. ${advice}`);
  }
}

/**
 * A package that a driver or `loadConfig` needs is not installed: an optional peer dependency of this library.
 * Thrown by `loadConfig`, and by the first call that needs a connection: `listen`, a publication,
 * `StreamConsumer.start`. The PostgreSQL driver throws it when it is opened. Has `package`, and the `command` that installs it.
 */
export class MissingPackageError extends StreamsError {
  static readonly code: string = 'MISSING_PACKAGE';
  static readonly advice: string = 'Run the command that the message names.';

  readonly package: string;
  readonly command: string;

  /** @param by what needs it, at the beginning of a sentence */
  constructor(name: string, by: string, cause?: unknown) {
    const command = `npm install ${name}`;
    super(
      MissingPackageError.code,
      `${by} needs the package "${name}", which is not installed. Run: ${command}`,
      cause,
    );
    this.package = name;
    this.command = command;
  }
}

/** A client, transport, consumer or other object was used after it was closed. */
export class ClosedError extends StreamsError {
  static readonly code: string = 'CLOSED';
  static readonly advice: string = 'Create a new one, or use it before the shutdown.';

  constructor(what: string) {
    super(ClosedError.code, `${what} is closed. ${ClosedError.advice}`);
  }
}
