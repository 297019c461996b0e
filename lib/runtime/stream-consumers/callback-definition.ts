import type { HandlerDefinition } from '../../options/handler-definition.js';
import type { ResolvedConsumerOptions } from '../../options/stream-consumer-options.js';
import type { SourceCapabilities } from '../../ports/source-capabilities.js';
import { callbackHandler, type EventCallback } from './event-callback.js';

/** The callback of a consumer, as the handler that the engine runs. */
export function callbackDefinition(
  callback: EventCallback,
  events: readonly string[],
  { streams, timeout, filter, concurrency }: ResolvedConsumerOptions,
  capabilities: SourceCapabilities,
): HandlerDefinition {
  return {
    name: `StreamConsumer(${streams.join(', ')})`,
    events,
    options: {
      streams,
      ...(timeout !== undefined && { timeout }),
      ...(filter && { filter }),
      ...(concurrency === 1 && { overlap: false }),
    },
    invoke: callbackHandler(callback, capabilities),
  };
}
