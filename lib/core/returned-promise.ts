/**
 * User code that should return a plain value, or nothing, may have returned a promise. If that
 * promise rejected and no code awaited it, Node would end the process.
 * @returns whether the value is a promise
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
