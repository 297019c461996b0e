import { AsyncLocalStorage } from 'node:async_hooks';
import { Catch, createParamDecorator, UseFilters, type ExecutionContext } from '@nestjs/common';
import {
  EXCEPTION_FILTERS_METADATA,
  PARAMTYPES_METADATA,
  ROUTE_ARGS_METADATA,
} from '@nestjs/common/constants.js';
import { Payload } from '@nestjs/microservices';
import { catchError, isObservable, throwError } from 'rxjs';
import { Causes } from './causes.js';
import { adoptMethodPipes, hasBlindPipes } from './method-pipes.js';
import { RunTickets } from './run-tickets.js';
import { Stage, StreamContext } from './stream.context.js';

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** A parameter as Nest keeps it for a method. */
interface DeclaredParam {
  readonly index: number;
  readonly data?: unknown;
  readonly factory?: unknown;
}

const followedRun = new AsyncLocalStorage<StreamContext>();
/** Every hidden parameter ever declared, to tell an inherited one. */
const hiddenFactories = new WeakSet<object>();

/**
 * Replaces a decorated method by one that lets the invoker see, per run, how far it came and what it
 * threw. Nest tells a transport neither: a rejection by a pipe looks like any other failure, and
 * exception filters put another error in the place of the original one.
 *
 * An interceptor could tell most of it, and costs more than everything else a message costs here.
 * So there is a last parameter that nobody sees. Nest resolves it in the moment it turns to the
 * pipes, and its value, a ticket, comes back with the arguments when they have passed. And there is
 * an exception filter that catches nothing but looks at everything.
 */
export class ObservedMethod {
  readonly causes = new Causes();
  /** A ticket has passed the pipes of this method, so they do not mind it. */
  proven = false;
  /**
   * The pipes do not let a ticket through: they validate whatever they see. Runs are then followed
   * by an AsyncLocalStorage, which is dear, and the hidden parameter is a second payload.
   */
  follows = false;

  private readonly tickets = new RunTickets();
  private readonly hidden: number;
  private readonly undeclared: boolean;
  /** What the first declared payload is of the message, `undefined` for all of it. */
  private readonly property: string | undefined;

  constructor(target: object, key: string | symbol, descriptor: PropertyDescriptor) {
    const original = descriptor.value as Method;
    const params = declaredParams(target, key);
    this.undeclared = params.length === 0;
    if (this.undeclared) Payload()(target, key, 0);
    const payload = params.find(({ factory }) => factory === undefined);
    this.property = typeof payload?.data === 'string' ? payload.data : undefined;
    this.hidden = hiddenIndex(target, key, original, params);
    createParamDecorator(this.passPipes())()(target, key, this.hidden);
    descriptor.value = imitate(original, this.wrap(original));
    const filter = this.lookOn();
    UseFilters(filter)(target, key, descriptor);
    // Once all decorators of the class have run, and long before Nest looks at it.
    queueMicrotask(() => {
      const method = descriptor.value as Method;
      askFirst(filter, method);
      adoptMethodPipes(target, key, method, (param) => hiddenFactories.has(param.factory as object));
      this.follows ||= hasBlindPipes(target, method);
    });
  }

  /** Runs `call` so that whatever happens in it, however late, is known to belong to this run. */
  follow<T>(context: StreamContext, call: () => T): T {
    context.run.followed = true;
    return followedRun.run(context, call);
  }

  /** Takes back the ticket of a run that ended among the pipes. */
  takeBack(context: StreamContext): void {
    this.tickets.redeem(context.run.ticket);
  }

  private passPipes(): (data: unknown, execution: ExecutionContext) => unknown {
    const factory = (_data: unknown, execution: ExecutionContext): unknown => {
      const [payload, context] = execution.getArgs<[unknown, unknown]>();
      // Nest may route other things than messages to the same method.
      if (!(context instanceof StreamContext)) return undefined;
      context.run.stage = Stage.Pipes;
      if (!context.run.followed) return this.tickets.issue(context);
      return this.property === undefined ? payload : (payload as Loose | undefined)?.[this.property];
    };
    hiddenFactories.add(factory);
    return factory;
  }

  private wrap(original: Method): Method {
    // eslint-disable-next-line @typescript-eslint/no-this-alias
    const observed = this;
    const { hidden } = this;
    return function (this: unknown, ...args: unknown[]): unknown {
      if (args.length !== hidden + 1) return original.apply(this, args);
      const context = observed.arrived(args.pop());
      if (!context) return original.apply(this, args);
      if (observed.undeclared) args[1] = context;
      return observed.call(context, () => original.apply(this, args));
    };
  }

  private call(context: StreamContext, call: () => unknown): unknown {
    const { run } = context;
    run.stage = Stage.Handler;
    try {
      const result = call();
      run.returned = result;
      return isObservable(result) ? result.pipe(catchError((error) => rethrow(run, error))) : result;
    } catch (error) {
      run.thrown = { error };
      throw error;
    }
  }

  private arrived(ticket: unknown): StreamContext | undefined {
    const context = this.tickets.redeem(ticket);
    if (context) {
      this.proven = true;
      return context;
    }
    const followed = this.follows ? followedRun.getStore() : undefined;
    if (followed?.run.stage === Stage.Pipes) return followed;
    // A pipe made something else of the ticket.
    if (ticket !== undefined && typeof ticket !== 'number') this.follows = true;
    return undefined;
  }

  /** An exception filter for no error at all, that is asked about each. */
  private lookOn(): { catch(): void } {
    const { causes } = this;
    const NoError = {
      [Symbol.hasInstance](error: unknown): boolean {
        const followed = followedRun.getStore();
        if (followed) followed.run.filtered = { error };
        else causes.record(error);
        return false;
      },
    };
    class OnlookingFilter {
      catch(): void {}
    }
    Catch(NoError as never)(OnlookingFilter);
    return new OnlookingFilter();
  }
}
