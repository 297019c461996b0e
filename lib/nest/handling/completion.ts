import { Subscription, type Observable } from 'rxjs';
import { isStream } from './is-stream.js';
import type { RunContext } from './run.context.js';

/**
 * Returns the last value of the stream that has left the filters, once the method has ended, too.
 * An interceptor may have given the method up, and then the run is not over.
 */
export async function completionOfAll(
  stream: Observable<unknown>,
  context: RunContext,
): Promise<unknown> {
  const { run } = context;
  run.deferred = true;
  // Behind interceptors this stream is Nest's, and each call of the method says what it returns.
  context.lazyResult = true;
  try {
    return await completion(stream, context);
  } finally {
    context.lazyResult = false;
    if (run.underWay > 0) {
      const ended = new Promise<void>((resolve) => (run.onEnded = resolve));
      context.outlived(ended);
      await ended;
    }
  }
}

/** Returns the last value. Unsubscribes when the signal aborts. */
function completion(stream: Observable<unknown>, context: RunContext): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const subscriptions = new Subscription();
    context.whenAborted((reason) => {
      subscriptions.unsubscribe();
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the reason of the signal
      reject(reason);
    });
    if (!subscriptions.closed) lastOf(stream, subscriptions).then(resolve, reject);
  });
}

/**
 * Returns the last value. An asynchronous filter emits a stream as a value: then the last value of
 * that stream counts.
 */
function lastOf(stream: Observable<unknown>, subscriptions: Subscription): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const further: Promise<unknown>[] = [];
    let last: unknown;
    const subscription = stream.subscribe({
      next: (value) => {
        last = value;
        if (isStream(value)) further.push((last = lastOf(value, subscriptions)));
      },
      complete: () =>
        further.length > 0
          ? void Promise.all(further)
              .then(() => last)
              .then(resolve, reject)
          : resolve(last),
      error: reject,
    });
    subscriptions.add(subscription);
  });
}
