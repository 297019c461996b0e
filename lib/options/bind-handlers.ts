import { InvalidOptionsError } from '../core/errors/start-up.errors.js';
import type { HandlerDefinition, PlannedHandler } from './handler-definition.js';
import { kindProblems, resolveBatch, resolveDedupe } from './handler-once.js';
import { orderKey } from './order-by.js';
import type { StreamsEvents } from '../core/events.js';
import { HANDLER_OPTIONS } from './handler-options.js';
import { resolveBackoff } from './resolve-options.js';
import { DEFAULT_GROUP, type ResolvedOptions } from './streams-options.js';

/**
 * What handlers set for themselves, and the rest from the transport.
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
  return definitions.map((definition) => bindHandler(definition, options));
}

function bindHandler(definition: HandlerDefinition, options: ResolvedOptions): PlannedHandler {
  const { options: own, name, invoke, invokeBatch } = definition;
  const bound = {
    name,
    origin: definition.origin,
    invoke,
    maxDeliveries: own.maxDeliveries ?? options.maxDeliveries,
    backoff: resolveBackoff(own.backoff, options.backoff),
    timeout: own.timeout,
    maxHold: own.maxHold ?? options.maxHold,
    // Batches follow each other, unless more are asked for.
    concurrency: own.concurrency ?? (own.batch && 1),
    dedupe: resolveDedupe(own.dedupe),
    inbox: resolveDedupe(own.inbox),
    // Each of these says that no two runs of a message, or of the handler, may overlap.
    overlap: (own.overlap ?? true) && !own.orderBy && !own.inbox && own.concurrency !== 1,
    serial: options.maxOverrun === undefined && (own.concurrency ?? (own.batch && 1)) === 1,
    batch: resolveBatch(own.batch),
    invokeBatch,
    answers: definition.answers ?? false,
    chains: definition.chains ?? false,
    plainInstructions: own.plainInstructions ?? options.plainInstructions,
    orderBy: own.orderBy === undefined ? undefined : orderKey(own.orderBy),
  };
  return { definition, bound, group: own.group ?? options.group };
}

/** Where handlers use the group that nobody has chosen. */
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
