import type { Span } from '@opentelemetry/api';
import { ATTRIBUTE } from '../conventions/messaging.js';
import type { OtelApi } from './load-api.js';

/** What the conventions say of an error whose class is not known. */
const OTHER = '_OTHER';

/** Marks a span as failed, and records the error. */
export function failed(api: OtelApi, span: Span, error: unknown): void {
  if (!(error instanceof Error)) return failedAs(api, span, OTHER);
  failedAs(api, span, error.name, error.message);
  span.recordException(error);
}

/**
 * Marks a span as failed.
 * @param type few different texts: the class of an error, or a reason
 */
export function failedAs(
  { SpanStatusCode }: OtelApi,
  span: Span,
  type: string,
  text?: string,
): void {
  span.setAttribute(ATTRIBUTE.errorType, type);
  span.setStatus({ code: SpanStatusCode.ERROR, ...(text !== undefined && { message: text }) });
}
