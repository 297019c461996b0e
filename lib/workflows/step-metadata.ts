import type { Metadata } from '../core/message.js';
import { WORKFLOW } from '../core/workflow.js';

/** Headers that are copied to every step, so that a trace leads from the first step to the last. */
const TRACE = ['traceparent', 'tracestate', 'baggage'];

/**
 * The metadata of a step: trace headers, the step's own metadata, and its place in the workflow.
 * @param trace those of the message before, or what an instrumentation gave
 */
export function travelling(trace: Metadata, own: Metadata | undefined, place: string): Metadata {
  return { ...trace, ...own, [WORKFLOW]: place };
}

/** The trace headers in the metadata of a message. */
export function traceOf(metadata: Metadata): Record<string, string> {
  const trace: Record<string, string> = {};
  for (const name of TRACE) {
    const value = metadata[name];
    if (value !== undefined) trace[name] = value;
  }
  return trace;
}
