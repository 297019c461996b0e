import type { Metadata } from '../core/message.js';
import { WORKFLOW } from '../core/workflow.js';

/** Headers that are copied to every step, so that a trace leads from the first step to the last. */
const TRACE = ['traceparent', 'tracestate', 'baggage'];

/**
 * The trace headers of the message before, the step's own metadata, and its place in the workflow.
 */
export function travelling(before: Metadata, own: Metadata | undefined, place: string): Metadata {
  const metadata = traceOf(before);
  if (own) Object.assign(metadata, own);
  metadata[WORKFLOW] = place;
  return metadata;
}

export function traceOf(metadata: Metadata): Record<string, string> {
  const trace: Record<string, string> = {};
  for (const name of TRACE) {
    const value = metadata[name];
    if (value !== undefined) trace[name] = value;
  }
  return trace;
}
