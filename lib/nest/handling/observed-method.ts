import { AsyncLocalStorage } from 'node:async_hooks';
import { Catch, createParamDecorator, UseFilters, type ExecutionContext } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { catchError, isObservable, throwError, type Observable } from 'rxjs';
import { Causes } from './causes.js';
import {
  askFirst,
  countParams,
  declaredParams,
  imitate,
  type DeclaredParam,
  type Method,
} from './method-metadata.js';
import { adoptMethodPipes, hasBlindPipes } from './method-pipes.js';
import { RunTickets } from './run-tickets.js';
import { Stage, StreamContext } from './stream.context.js';

interface Followed {
  readonly method: ObservedMethod;
  readonly context: StreamContext;
}

const followed = new AsyncLocalStorage<Followed>();

/** The factories of all hidden parameters: an overriding method inherits its parent's. */
const hiddenFactories = new WeakSet<object>();
const isHidden = (param: DeclaredParam): boolean =>
  param.factory !== undefined && hiddenFactories.has(param.factory);

/**
 * Replaces a decorated method by one that lets the invoker see, per run, how far it came and what it
 * threw. Nest tells a transport neither: a rejection by a pipe looks like any other failure, and
 * exception filters put another error in the place of the original one.
 *
 * An interceptor could tell, and costs more than all the rest of a message. So there is a last
 * parameter that nobody sees: Nest resolves it at the moment it turns to the pipes, and its value, a
 * ticket, comes back among the arguments once they have passed. And there is an exception filter
 * that catches nothing but is asked about everything.
 */
export class ObservedMethod {
  readonly causes = new Causes();
  /** A ticket has passed the pipes, so they do not mind it. */
  proven = false;
  /**
   * The pipes do not let tickets pass: they judge whatever they see. Then runs are followed by an
   * AsyncLocalStorage, which is dear, and the hidden parameter is the payload once more.
   */
  follows = false;

  private readonly tickets = new RunTickets();
  private readonly params: readonly DeclaredParam[];
  /** Index of the hidden parameter. */
  private readonly hidden: number;

  constructor(target: object, key: string | symbol, descriptor: PropertyDescriptor) {
    const original = descriptor.value as Method;
    this.params = declaredParams(target, key, isHidden);
    if (this.params.length === 0) Payload()(target, key, 0);
    // Without decorators the method is given the context too.
    const fewest = this.params.length === 0 ? 2 : 0;
    this.hidden = Math.max(fewest, countParams(target, key, original, this.params));
    createParamDecorator(this.hiddenFactory())()(target, key, this.hidden);
    const filter = this.onlookingFilter();
    descriptor.value = imitate(original, this.wrap(original));
    UseFilters(filter)(target, key, descriptor);
    // When all decorators of the class have run, and long before Nest looks at it.
    queueMicrotask(() => {
      const method = descriptor.value as Method;
      askFirst(filter, method);
      adoptMethodPipes(target, key, method, isHidden);
      this.follows = hasBlindPipes(target, method);
    });
  }

  /** Makes the call in such a way that whatever happens in it is known to belong to this run. */
  follow<T>(context: StreamContext, call: () => T): T {
    context.run.followed = true;
    return followed.run({ method: this, context }, call);
  }

  /** Takes back the ticket of a run that ended among the pipes. */
  takeBack(context: StreamContext): void {
    this.tickets.redeem(context.run.ticket);
  }

  private hiddenFactory(): (data: unknown, execution: ExecutionContext) => unknown {
    const payload = this.params.find(({ factory }) => factory === undefined);
    const factory = (_: unknown, execution: ExecutionContext): unknown => {
      const [message, context] = execution.getArgs<[unknown, unknown]>();
      // Nest may route other things than messages to the same method.
      if (!(context instanceof StreamContext)) return undefined;
      context.run.stage = Stage.Pipes;
      if (!context.run.followed) return this.tickets.issue(context);
      return typeof payload?.data === 'string' ? propertyOf(message, payload.data) : message;
    };
    hiddenFactories.add(factory);
    return factory;
  }

  private wrap(original: Method): Method {
    const { hidden } = this;
    const undeclared = this.params.length === 0;
    const arrived = (ticket: unknown): StreamContext | undefined => this.arrived(ticket);
    return function (this: unknown, ...args: unknown[]): unknown {
      // Nest always passes all arguments; others call the method as it was written.
      if (args.length !== hidden + 1) return original.apply(this, args);
      const context = arrived(args.pop());
      if (!context) return original.apply(this, args);
      const { run } = context;
      run.stage = Stage.Handler;
      if (undeclared) args[1] = context;
      try {
        const result = original.apply(this, args);
        run.returned = result;
        return isObservable(result) ? observed(result, context) : result;
      } catch (error) {
        run.thrown = { error };
        throw error;
      }
    };
  }

  private arrived(ticket: unknown): StreamContext | undefined {
    const context = this.tickets.redeem(ticket);
    if (context) {
      this.proven = true;
      return context;
    }
    const run = followed.getStore();
    if (run?.method === this && run.context.run.stage === Stage.Pipes) {
      this.follows = true;
      return run.context;
    }
    // A pipe made something else of the ticket.
    if (ticket !== undefined && typeof ticket !== 'number') this.follows = true;
    return undefined;
  }

  private onlookingFilter(): object & { catch(): void } {
    const look = (error: unknown): void => {
      const run = followed.getStore();
      if (run?.method === this) run.context.run.filtered = { error };
      else this.causes.record(error);
    };
    const NoError = {
      [Symbol.hasInstance](error: unknown): boolean {
        look(error);
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

const propertyOf = (value: unknown, name: string): unknown =>
  (value as Readonly<Record<string, unknown>> | null | undefined)?.[name];

function observed(stream: Observable<unknown>, context: StreamContext): Observable<unknown> {
  return stream.pipe(
    catchError((error: unknown) => {
      context.run.thrown = { error };
      return throwError(() => error);
    }),
  );
}
