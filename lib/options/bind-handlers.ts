import type { BoundHandler } from '../core/delivery.js';
import { InvalidOptionsError } from '../core/errors/start-up.errors.js';
import type { HandlerDefinition, PlannedHandler } from './handler-definition.js';
import type { StreamsEvents } from '../core/events.js';
import { HANDLER_OPTIONS } from './handler-options.js';
import { defined } from './resolve-options.js';
import { DEFAULT_GROUP, type ResolvedOptions } from './streams-options.js';

/**
 * Completes the options of handlers with those of the transport.
 * @throws InvalidOptionsError naming every problem of every handler
 */
export function bindHandlers(
  definitions: readonly HandlerDefinition[],
  options: ResolvedOptions,
): PlannedHandler[] {
  const problems = definitions.flatMap((definition) =>
    [...HANDLER_OPTIONS.problems(definition.options), ...kindProblems(definition)].map(
      (problem) => `${definition.name}: ${problem}`,
    ),
  );
  if (problems.length > 0) throw new InvalidOptionsError(problems);
  return definitions.map((definition) => bindHandler(withStream(definition, options), options));
}

/** A handler that names no stream takes that of the transport, if that names one. */
function withStream(definition: HandlerDefinition, { stream }: ResolvedOptions): HandlerDefinition {
  const { streams, balanced } = definition.options;
  if (stream === undefined || streams !== undefined || balanced !== undefined) return definition;
  return { ...definition, options: { ...definition.options, streams: [stream] } };
}

function bindHandler(definition: HandlerDefinition, options: ResolvedOptions): PlannedHandler {
  const { options: own, name, origin, invoke, invokeBatch } = definition;
  const { group, ...decided } = HANDLER_OPTIONS.complete(own, options);
  // One batch at a time, unless the option asks for more.
  const concurrency = own.concurrency ?? (own.batch && 1);
  const bound: BoundHandler = {
    ...decided,
    batch: decided.batch && { ...options.batch, ...defined(own.batch!) },
    name,
    origin,
    invoke,
    invokeBatch,
    answers: definition.answers ?? false,
    chains: definition.chains ?? false,
    concurrency,
    // With each of these options no two runs of a message, or of the handler, may overlap.
    overlap: (own.overlap ?? true) && !own.orderBy && !own.inbox && own.concurrency !== 1,
    serial: options.maxOverrun === undefined && concurrency === 1,
  };
  return { definition, bound, group };
}

const FOR_EVENTS = ['filter', 'dedupe', 'inbox', 'batch', 'orderBy'] as const;

/** Options that do not go together with the kind of the handler. */
function kindProblems({ options, answers, invokeBatch }: HandlerDefinition): string[] {
  const problems: string[] = [];
  const set = FOR_EVENTS.filter((name) => options[name]);
  if (answers) {
    problems.push(
      ...set.map((name) => `${name} is for events; what answers requests cannot have it`),
    );
  } else if (options.batch && !invokeBatch) {
    problems.push('batch needs @StreamHandler');
  }
  return problems;
}

/** A warning, where handlers use the default group. */
export function sharedGroupWarning(
  handlers: readonly PlannedHandler[],
  options: ResolvedOptions,
): StreamsEvents['warning'] | undefined {
  if (!options.defaultGroup || !handlers.some(({ group }) => group === DEFAULT_GROUP)) return;
  return {
    code: 'DEFAULT_GROUP',
    message:
      `Handlers use the default group "${DEFAULT_GROUP}". Services that share a group take each ` +
      "other's messages: set the option group to the name of this service.",
  };
}
