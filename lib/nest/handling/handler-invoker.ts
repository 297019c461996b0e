import type { MessageHandler } from '@nestjs/microservices';
import { isObservable } from 'rxjs';
import { errorRecord } from '../../core/errors/error-record.js';
import { RetryLaterError } from '../../core/errors/handling.errors.js';
import type { Handler, Delivery } from '../../core/delivery.js';
import { ack, deadLetter, type Settlement } from '../../core/settlement.js';
import { completionOfAll } from './completion.js';
import { LoadBalancedContext } from './load-balanced.context.js';
import type { RunContext } from './run.context.js';
import { StreamContext } from './stream.context.js';

/** The part of workflows in results of handlers. */
export interface WorkflowEngine {
  /**
   * Returns the settlement of a message.
   * @param result what left the filters
   * @param own what the method itself had returned, where interceptors stand around it
   */
  chain(delivery: Delivery, result: unknown, own: unknown): Settlement;
  /** Reports a result that only looks like an instruction. */
  notice(delivery: Delivery, result: unknown): void;
}

/** Runs work between the hooks that instrumentation has set on the transport. */
export interface ProcessingHooks {
  /** False: no hook has been set, and nothing need be paid for hooks. */
  readonly hooked: boolean;
  around<T>(context: RunContext, work: () => Promise<T>): Promise<T>;
}

/**
 * Makes the engine's handler of a method that Nest has wrapped in its guards, interceptors, pipes
 * and filters. The handler awaits the Promise or Observable. Where the stream that left the filters
 * failed, the handler throws the error that had reached the filters.
 *
 * @param chaining makes a settlement of the result, for `@StreamHandler` alone
 */
export function createInvoker(
  callback: MessageHandler,
  hooks: ProcessingHooks,
  chaining?: WorkflowEngine,
): Handler {
  return (delivery: Delivery) => {
    const { payload } = delivery.message;
    const context = delivery.lease.owned
      ? new LoadBalancedContext(delivery)
      : new StreamContext(delivery);
    if (!hooks.hooked) return runMethod(callback, payload, context, chaining);
    return hooks.around(context, () => runMethod(callback, payload, context, chaining));
  };
}

/**
 * Answers an ack, or a dead letter where a pipe has refused what the method was to be given.
 * @param given what the method is given beside the context
 * @param chaining of a handler of single messages, whose results may begin or continue a workflow
 */
export async function runMethod(
  callback: MessageHandler,
  given: unknown,
  context: RunContext,
  chaining?: WorkflowEngine,
): Promise<Settlement> {
  const { run } = context;
  let result: unknown;
  try {
    result = await callback(given, context);
    if (isObservable(result)) result = await completionOfAll(result, context);
  } catch (left) {
    return runFailed(context, left);
  }
  run.result = result;
  if (run.asked) return run.asked;
  if (!chaining) return ack;
  const { delivery } = context as StreamContext;
  // Only an object can be an instruction, and only a step has a workflow that this run may end.
  const mayChain =
    typeof result === 'object' || typeof run.returned === 'object' || delivery.workflow;
  return mayChain ? chaining.chain(delivery, result, run.returned) : ack;
}

/**
 * A function of its own, because every message passes the one above, which would allocate for this
 * one.
 */
async function runFailed({ run }: RunContext, left: unknown): Promise<Settlement> {
  // In an object: a promise that was thrown must not be awaited.
  const { error } = run.filtered ?? { error: left };
  const refused = await run.piped?.then(
    () => false,
    () => true,
  );
  if (refused && !(error instanceof RetryLaterError)) {
    return deadLetter('rejected', errorRecord(error));
  }
  // The settlement that the handler asked for counts, however its run ends.
  if (run.asked && !refused) return { ...run.asked, error: errorRecord(error) };
  throw error;
}
