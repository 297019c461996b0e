/**
 * User code that was asked for a plain answer, or for none, may have answered a promise. Where that
 * rejects, with nobody waiting for it, Node would end the process.
 * @returns whether it is a promise
 */
export function disarm(
  answer: unknown,
  onRejected: (error: unknown) => void = () => undefined,
): boolean {
  if (typeof answer !== 'object' || answer === null) return false;
  try {
    if (typeof (answer as { then?: unknown }).then !== 'function') return false;
    Promise.resolve(answer).catch(onRejected);
    return true;
  } catch (error) {
    onRejected(error);
    return false;
  }
}
