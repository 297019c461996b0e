import { asError } from '../core/errors/error-record.js';
import type { Sending } from '../core/instrumentation.js';

/** Sends messages within a call that is instrumented, and ends the call with the outcome. */
export async function through<T extends string | readonly (string | Error)[]>(
  sending: Sending,
  send: () => Promise<T>,
): Promise<T> {
  try {
    const sent = await sending.within(send);
    sending.ended(typeof sent === 'string' ? [sent] : sent);
    return sent;
  } catch (error) {
    sending.ended(asError(error));
    throw error;
  }
}

/** A codec that carries no metadata may refuse it. */
export const withoutMetadata = (sending: Sending): Sending => ({
  metadataOf: () => undefined,
  within: (work) => sending.within(work),
  ended: (outcome) => sending.ended(outcome),
});
