import { InvalidMessageError, PayloadTooLargeError } from '../core/errors/publishing.errors.js';
import type { JoinScope } from './workflow-place.js';

/**
 * Bytes that each result adds in the payload of the join: brackets, comma, and its share of the
 * rest.
 */
const OF_EACH_RESULT = 16;

/**
 * Checks the size of a result: the results of all branches together have to fit into the payload
 * of the join.
 */
export function joinableResult(
  result: unknown,
  { of, event }: JoinScope,
  eventType: string,
  maxPayloadBytes: number,
): string {
  const limit = Math.floor(maxPayloadBytes / of) - OF_EACH_RESULT;
  const text = jsonOf(result);
  if (text === undefined && result !== undefined) {
    throw new InvalidMessageError(
      `What the last step "${eventType}" of a branch returns has no JSON text, so it cannot be handed to "${event}".`,
    );
  }
  if (text !== undefined && text.length * 3 > limit) {
    const size = Buffer.byteLength(text);
    if (size > limit) throw new PayloadTooLargeError(size, limit, eventType);
  }
  return text ?? 'null';
}

/** Undefined for a value without JSON text. */
export function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value) as string | undefined;
  } catch {
    return undefined;
  }
}
