import type { MessageHandler } from '@nestjs/microservices';
import { InvalidOptionsError } from '../../core/errors/start-up.errors.js';
import type { HandlerDefinition } from '../../options/handler-definition.js';
import { createInvoker, type ProcessingHooks } from './handler-invoker.js';
import type { StreamContext } from './stream.context.js';
import { readDeclaration } from './read-declaration.js';
import { type StreamHandlerOptions } from './handler-sources.js';

/** A handler that is no method. The Promise or Observable that it returns is awaited to its end. */
export type StreamFunction<T = unknown> = (payload: T, context: StreamContext<T>) => unknown;

/** @throws InvalidOptionsError naming every problem */
export function defineFunction<T>(
  events: string | readonly string[],
  handler: StreamFunction<T>,
  given: StreamHandlerOptions<T>,
  hooks: ProcessingHooks,
): HandlerDefinition {
  const problems: string[] = [];
  const declared = readDeclaration([events, given], problems);
  if (typeof handler !== 'function') problems.push('the handler must be a function');
  if (problems.length > 0) throw new InvalidOptionsError(problems);
  return {
    name: `subscribe('${declared.events.join("', '")}')`,
    events: declared.events,
    options: declared.options,
    invoke: createInvoker(handler as MessageHandler, hooks),
  };
}
