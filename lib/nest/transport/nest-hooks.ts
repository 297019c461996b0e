import { disarm } from '../../core/returned-promise.js';
import { asError } from '../../core/errors/error-record.js';
import type { ProcessingHooks } from '../handling/handler-invoker.js';
import type { RunContext } from '../handling/run.context.js';

/** The hooks that instrumentation sets on a Nest server, and what is told of an error of the second. */
export interface NestHooksOptions {
  readonly begin: (context: RunContext, done: () => Promise<void>) => void;
  readonly end: (context: RunContext) => void;
  readonly onError: (error: Error) => void;
}

/** The name of the second hook. */
export const END_HOOK = 'the hook of setOnProcessingEndHook';

/** Runs the work of a message between the two hooks of a Nest server. */
export class NestHooks implements ProcessingHooks {
  hooked = false;

  constructor(private readonly options: NestHooksOptions) {}

  /** The first hook decides when, and in which asynchronous context, the work begins. */
  around<T>(context: RunContext, work: () => Promise<T>): Promise<T> {
    const { begin, end, onError } = this.options;
    return new Promise<T>((resolve, reject) => {
      const done = () =>
        work()
          .then(resolve, reject)
          .then(() => end(context))
          .catch((error: unknown) => onError(asError(error)));
      disarm(begin(context, done), reject);
    });
  }
}
