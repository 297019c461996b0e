import type { MessageHandler } from '@nestjs/microservices';
import { isObservable, Subscription, type Observable } from 'rxjs';
import { errorRecord } from '../../core/errors/error-record.js';
import { RetryLaterError } from '../../core/errors/handling.errors.js';
import type { Handler, Delivery } from '../../core/delivery.js';
import { ack, deadLetter, type Settlement } from '../../core/settlement.js';
import { contextOf } from './load-balanced.context.js';
import { isStream } from './is-stream.js';
import type { ObservedMethod } from './observed-method.js';
import { Stage, type RunContext, type Thrown } from './run.context.js';
import type { StreamContext } from './stream.context.js';

/** What workflows make of the results of handlers. */
export interface Chaining {
  /**
   * What becomes of a message.
   * @param result what left the filters
   * @param own what the method itself had returned, where interceptors stand around it
   */
  chain(delivery: Delivery, result: unknown, own: unknown): Settlement;
  /** Tells of a result that only looks like an instruction. */
  notice(delivery: Delivery, result: unknown): void;
}

/** What becomes of a run that ended with this. */
type Conclude = (context: RunContext, result: unknown, own: unknown) => Settlement;

const acknowledge: Conclude = () => ack;

/** Runs something between the hooks that instrumentation set on the transport. */
export interface ProcessingHooks {
  /** False: there are none, and nothing need be paid for them. */
  readonly hooked: boolean;
  around<T>(context: RunContext, work: () => Promise<T>): Promise<T>;
}

/**
 * Makes the engine's handler of a method that Nest has wrapped in its guards, interceptors, pipes and
 * filters. It awaits the Promise or Observable, and throws what reached the filters when the stream
 * that left them failed.
 *
 * @param chaining makes a settlement of what was returned, for `@StreamHandler` alone
 * @param observed what `@StreamHandler` put around the method; without it the error is the one that
 * the filters let through
 */
export function createInvoker(
  callback: MessageHandler,
  observed: ObservedMethod | undefined,
  hooks: ProcessingHooks,
  chaining?: Chaining,
): Handler {
  const conclude: Conclude = chaining
    ? (context, result, own) => chaining.chain((context as StreamContext).delivery, result, own)
    : acknowledge;
  const run = observed
    ? (context: StreamContext) =>
        runObserved(callback, observed, context, observed.follows, conclude)
    : (context: StreamContext) => runPlain(callback, context);
  return (delivery: Delivery) => {
    const context = contextOf(delivery);
    if (!hooks.hooked) return run(context);
    return hooks.around(context, () => run(context));
  };
}

async function runPlain(callback: MessageHandler, context: StreamContext): Promise<Settlement> {
  try {
    const result: unknown = await callback(context.given, context);
    if (isObservable(result)) await completion(result, context);
    return context.run.asked ?? ack;
  } catch (error) {
    return failed(context, error);
  }
}

/** Answers an ack, or a dead letter where the pipes have refused what the method was to be given. */
export async function runObserved(
  callback: MessageHandler,
  observed: ObservedMethod,
  context: RunContext,
  follow: boolean,
  conclude = acknowledge,
): Promise<Settlement> {
  const { causes } = observed;
  causes.begin();
  let result: unknown;
  let own: unknown;
  try {
    result = follow
      ? await observed.follow(context, () => callback(context.given, context))
      : await callback(context.given, context);
    const { run } = context;
    if (isObservable(result)) {
      run.intercepted = true;
      result = await completionOfAll(result, context, observed);
    }
    if (causes.waiting) await forgive(observed, context);
    if (run.intercepted) own = await ownResult(context);
  } catch (left) {
    return runFailed(callback, observed, context, follow, conclude, left);
  }
  observed.ended(context);
  return context.run.asked ?? conclude(context, result, own);
}

/**
 * What the method answered in its last call, whatever interceptors have made of it. Undefined where it
 * failed. It may still be under way, though the interceptors have answered.
 */
export async function ownResult(context: RunContext): Promise<unknown> {
  const { run } = context;
  try {
    const returned = await run.returned;
    if (run.thrown) return undefined;
    return isObservable(returned) ? run.last : returned;
  } catch {
    return undefined;
  }
}

/** Apart from the above, which every message passes: what it holds would be allocated for each. */
async function runFailed(
  callback: MessageHandler,
  observed: ObservedMethod,
  context: RunContext,
  follow: boolean,
  conclude: Conclude,
  left: unknown,
): Promise<Settlement> {
  try {
    const { error: cause } = await causeOf(observed, context, left);
    if (context.run.stage !== Stage.Pipes) return failed(context, cause);
    // Was it the payload that the pipes refused, or the ticket?
    if (!follow && !observed.proven) {
      return await runObserved(callback, observed, context.again(), true, conclude);
    }
    if (cause instanceof RetryLaterError) throw cause;
    return deadLetter('rejected', errorRecord(cause));
  } finally {
    observed.ended(context);
  }
}

/** What the handler asked for stands, however its run ends. */
function failed(context: RunContext, error: unknown): Settlement {
  if (context.run.asked) return { ...context.run.asked, error: errorRecord(error) };
  throw error;
}

/** The stream may have ended before the method: an interceptor gave it up. Then the run is not over. */
async function completionOfAll(
  stream: Observable<unknown>,
  context: RunContext,
  observed: ObservedMethod,
): Promise<unknown> {
  const { run } = context;
  try {
    return await completion(stream, context, observed);
  } finally {
    if (run.underWay > 0) {
      const ended = new Promise<void>((resolve) => (run.onEnded = resolve));
      context.outlived(ended);
      await ended;
    }
  }
}

/** Answers the last value. Unsubscribes when the signal aborts. */
function completion(
  stream: Observable<unknown>,
  context: RunContext,
  observed?: ObservedMethod,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const subscriptions = new Subscription();
    context.whenAborted((reason) => {
      subscriptions.unsubscribe();
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the reason of the signal
      reject(reason);
    });
    if (!subscriptions.closed)
      lastOf(stream, subscriptions, context, observed).then(resolve, reject);
  });
}

/**
 * Answers the last value. Subscribes by itself: `lastValueFrom` tells of a failure only after the
 * moment it happened in.
 */
function lastOf(
  stream: Observable<unknown>,
  subscriptions: Subscription,
  context: RunContext,
  observed?: ObservedMethod,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const before = observed?.causes.recorded;
    const further: Promise<unknown>[] = [];
    let last: unknown;
    let subscribing = true;
    const subscription = stream.subscribe({
      // A filter that waits answers a stream late, as a value: what that one does counts.
      next: (value) => {
        last = value;
        if (isStream(value)) further.push((last = lastOf(value, subscriptions, context, observed)));
      },
      complete: () =>
        further.length > 0
          ? void Promise.all(further)
              .then(() => last)
              .then(resolve, reject)
          : resolve(last),
      error: (left: unknown) => {
        const inThisInstant = !subscribing || observed?.causes.recorded !== before;
        if (observed && inThisInstant) context.run.filtered ??= observed.causes.claimNewest();
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- whatever was thrown is passed on
        reject(left);
      },
    });
    subscribing = false;
    subscriptions.add(subscription);
  });
}

async function causeOf(
  { causes }: ObservedMethod,
  { run }: RunContext,
  left: unknown,
): Promise<Thrown> {
  // In an object: a promise that was thrown must not be awaited.
  if (run.filtered) return run.filtered;
  const own = run.thrown ?? (await rejectionOf(run.returned));
  if (own && causes.claim(own.error)) return own;
  return causes.claimWhatLeft(left) ?? causes.claimOldest() ?? own ?? { error: left };
}

/** A run that succeeded may have failed first, and been forgiven by a filter. */
async function forgive({ causes }: ObservedMethod, { run }: RunContext): Promise<void> {
  const own = run.thrown ?? (await rejectionOf(run.returned));
  if (own) causes.claim(own.error);
  else if (run.stage !== Stage.Handler) causes.claimOldest();
}

/** Why a promise was rejected, if it was and is known to be. */
async function rejectionOf(returned: unknown): Promise<Thrown | undefined> {
  let thrown: Thrown | undefined;
  if (returned instanceof Promise) {
    returned.catch((error: unknown) => {
      thrown = { error };
    });
  }
  await Promise.resolve();
  return thrown;
}
