import type { Instrumentation } from '../../core/instrumentation.js';
import type { Middleware } from '../../core/middleware.js';

/** Where runs are instrumented, for example traced: runs all that follows within the instrumentation. */
export function instrument(instrumentation: Instrumentation): Middleware {
  return (delivery, next) => instrumentation.run([delivery], () => next(delivery));
}
