import type { Context } from '@opentelemetry/api';
import type { Metadata } from '../../core/message.js';
import type { OtelApi } from './load-api.js';

/** The context that travels in metadata: that of the span which created the message, and baggage. */
export function contextIn({ propagation, ROOT_CONTEXT }: OtelApi, metadata: Metadata): Context {
  return propagation.extract(ROOT_CONTEXT, metadata);
}

/**
 * Metadata with this context in it. What the caller has set under the same name stays, for example
 * its own baggage.
 */
export function metadataWith(
  { propagation }: OtelApi,
  context: Context,
  own: Metadata | undefined,
): Metadata {
  const carrier: Record<string, string> = {};
  propagation.inject(context, carrier);
  return own ? { ...carrier, ...own } : carrier;
}
