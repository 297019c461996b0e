import { tap, type Observable } from 'rxjs';
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
  return marked(context.runs, () => noted(context.run, next));
}

async function noted(run: RunState, next: () => Promise<unknown>): Promise<unknown> {
  run.callBegan();
  try {
    const result = await next();
    return isStream(result) ? notedStream(run, result) : (run.returned = result);
  } finally {
    run.callEnded();
  }
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
