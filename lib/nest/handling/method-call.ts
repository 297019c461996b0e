import { Observable, tap } from 'rxjs';
import { marked } from '../../consuming/running/run-mark.js';
import { isStream } from './is-stream.js';
import type { RunContext, RunState } from './run.context.js';

/**
 * Calls a method behind interceptors, and notes what it returns and when it ends. Interceptors may
 * map its result, answer before it has ended, call it again, or never. Costs a message two
 * promises.
 * @param next the pipes, then the method
 */
export function callMethod(context: RunContext, next: () => Promise<unknown>): Promise<unknown> {
  // Nest calls this from an Observable, through which no stack trace leads to the run.
  return marked(context.runs, () => noted(context, next));
}

async function noted(context: RunContext, next: () => Promise<unknown>): Promise<unknown> {
  const { run } = context;
  run.callBegan();
  context.lazyResult = false;
  try {
    const result = await next();
    if (!isStream(result)) return (run.returned = result);
    context.lazyResult = true;
    return withinRun(context, notedStream(run, result));
  } finally {
    run.callEnded();
  }
}

/** Nest subscribes from an Observable of its own, through which no stack trace leads to the run. */
function withinRun({ runs }: RunContext, stream: Observable<unknown>): Observable<unknown> {
  return new Observable((subscriber) => {
    const subscribed = marked(runs, () => void stream.subscribe(subscriber));
    subscribed.catch((error: unknown) => subscriber.error(error));
  });
}

function notedStream(run: RunState, stream: Observable<unknown>): Observable<unknown> {
  return stream.pipe(
    tap({
      subscribe: () => run.callBegan(),
      next: (value) => (run.returned = value),
      error: () => (run.returned = undefined),
      finalize: () => run.callEnded(),
    }),
  );
}
