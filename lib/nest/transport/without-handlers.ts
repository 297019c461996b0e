import { NoHandlerError } from '../../core/errors/running.errors.js';
import type { StreamsRuntime } from '../../runtime/streams-runtime.js';

/**
 * Call it when a transport starts without handlers. The application of a module may add consumers and
 * functions later, so the transport of a module only warns.
 * @param alone the transport has no module
 * @throws NoHandlerError
 */
export function withoutHandlers(
  { consumers, events, options, slots }: StreamsRuntime,
  alone: boolean,
): void {
  if (consumers.read.length > 0) return;
  const error = new NoHandlerError(options.name, slots.technology);
  if (alone) throw error;
  events.emit('warning', { code: error.code, message: error.message });
}
