import { Catch, UseFilters, type ExecutionContext } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { RpcParamtype } from '@nestjs/microservices/enums/rpc-paramtype.enum.js';
import { isObservable, tap, type Observable } from 'rxjs';
import { Causes } from './causes.js';
import { followed, follow } from './followed-run.js';
import {
  askFirst,
  imitate,
  MethodParams,
  type DeclaredParam,
  type Method,
  type ParamFactory,
} from './method-metadata.js';
import { adoptMethodPipes, hasBlindPipes } from './method-pipes.js';
import { marked } from '../../consuming/running/run-mark.js';
import { RunTickets } from './run-tickets.js';
import { RunContext, Stage } from './run.context.js';

/** Those of all methods: an overriding method inherits its parent's. */
const ourFactories = new WeakSet<ParamFactory>();
const isOurs = ({ factory }: DeclaredParam): boolean =>
  factory !== undefined && ourFactories.has(factory);

/**
 * Replaces a decorated method by one that lets the invoker see, per run, how far it came and what it
 * threw. Nest tells a transport neither: a rejection by a pipe looks like any other failure, and
 * exception filters put another error in the place of the original one.
 *
 * An interceptor could tell, and costs more than all the rest of a message. So one parameter is
 * ours. Nest resolves it at the moment it turns to the pipes, and it comes back among the arguments
 * once they have passed: the context, where the method declares it, else a ticket that stands for
 * it, in a last parameter that the method does not see. And there is an exception filter that
 * catches nothing but is asked about everything.
 */
export class ObservedMethod {
  readonly causes = new Causes();
  /** Our parameter has passed the pipes, so they do not mind it. */
  proven: boolean;
  /**
   * The pipes do not let tickets pass: they judge whatever they see. Then runs are followed by an
   * AsyncLocalStorage, which is dear, and the parameter is the payload once more.
   */
  follows = false;

  private readonly tickets = new RunTickets();

  constructor(target: object, key: string | symbol, descriptor: PropertyDescriptor) {
    const original = descriptor.value as Method;
    const params = new MethodParams(target, key);
    params.change((param) => (isOurs(param) ? undefined : param));
    const declared = params.find(RpcParamtype.CONTEXT);
    this.proven = declared !== undefined;
    const observing = declared
      ? this.throughContext(original, params, declared)
      : this.throughTicket(original, params, () => Payload()(target, key, 0));
    const filter = this.onlookingFilter();
    descriptor.value = imitate(original, observing);
    UseFilters(filter)(target, key, descriptor);
    // When all decorators of the class have run, and long before Nest looks at it.
    queueMicrotask(() => {
      const method = descriptor.value as Method;
      askFirst(filter, method);
      adoptMethodPipes(params, method, isOurs);
      this.follows = !declared && hasBlindPipes(target, method);
    });
  }

  /** Makes the call in such a way that whatever happens in it is known to belong to this run. */
  follow<T>(context: RunContext, call: () => T): T {
    return follow(this, context, call);
  }

  /** Takes back the ticket of a run that ended among the pipes, and forgets errors of nobody's. */
  ended(context: RunContext): void {
    if (context.run.stage === Stage.Pipes) this.tickets.redeem(context.run.ticket);
    this.causes.end();
  }

  private throughContext(original: Method, params: MethodParams, param: DeclaredParam): Method {
    const { index } = param;
    params.set(
      index,
      this.marking(
        (context) => context,
        (foreign) => foreign,
      ),
      param.pipes,
    );
    return function (this: unknown, ...args: unknown[]): unknown {
      const context = args[index];
      // Others than Nest call the method too, with or without a context.
      const arrives = context instanceof RunContext && context.run.stage === Stage.Pipes;
      if (!arrives) return original.apply(this, args);
      return observe(context, original, this, args);
    };
  }

  private throughTicket(original: Method, params: MethodParams, declare: () => void): Method {
    const undeclared = params.all.length === 0;
    if (undeclared) declare();
    const property = params.find(RpcParamtype.PAYLOAD)?.data;
    const again = (payload: unknown): unknown =>
      typeof property === 'string' ? (payload as Loose | null)?.[property] : payload;
    // Without decorators the method is given the context too.
    const index = Math.max(undeclared ? 2 : 0, params.count(original));
    params.set(
      index,
      this.marking(
        (context, payload) => (context.run.followed ? again(payload) : this.tickets.issue(context)),
        () => undefined,
      ),
    );
    const arrived = (ticket: unknown): RunContext | undefined => this.arrived(ticket);
    return function (this: unknown, ...args: unknown[]): unknown {
      if (args.length !== index + 1) return original.apply(this, args);
      const context = arrived(args.pop());
      if (!context) return original.apply(this, args);
      if (undeclared) args[1] = context;
      return observe(context, original, this, args);
    };
  }

  /** @param foreign the value where Nest routes something else than our messages to the method */
  private marking(
    valueOf: (context: RunContext, payload: unknown) => unknown,
    foreign: (context: unknown) => unknown,
  ): ParamFactory {
    const factory = (_: unknown, execution: ExecutionContext): unknown => {
      const [payload, context] = execution.getArgs<[unknown, unknown]>();
      if (!(context instanceof RunContext)) return foreign(context);
      context.run.stage = Stage.Pipes;
      return valueOf(context, payload);
    };
    ourFactories.add(factory);
    return factory;
  }

  private arrived(ticket: unknown): RunContext | undefined {
    const context = this.tickets.redeem(ticket);
    if (context) {
      this.proven = true;
      return context;
    }
    const run = followed(this);
    if (run?.run.stage === Stage.Pipes) {
      this.follows = true;
      return run;
    }
    // A pipe made something else of the ticket.
    if (ticket !== undefined && typeof ticket !== 'number') this.follows = true;
    return undefined;
  }

  private onlookingFilter(): object & { catch(): void } {
    const look = (error: unknown): void => {
      const context = followed(this);
      if (context) context.run.filtered = { error };
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

type Loose = Readonly<Record<string, unknown>>;

/** Calls the method, and notes what it returns or throws. */
function observe(context: RunContext, method: Method, self: unknown, args: unknown[]): unknown {
  const { run } = context;
  run.stage = Stage.Handler;
  // An interceptor may call the method again: its last call counts.
  run.thrown = run.returned = undefined;
  // No trace leads from there to the run.
  if (run.intercepted) {
    return (run.returned = marked(context.runs, () => intercepted(context, method, self, args)));
  }
  try {
    const result = method.apply(self, args);
    if (isObservable(result)) return (run.returned = observed(result, run));
    return (run.returned = result);
  } catch (error) {
    run.thrown = { error };
    throw error;
  }
}

/** Calls the method, and notes when its promise has ended. Costs a message a promise. */
async function intercepted(
  { run }: RunContext,
  method: Method,
  self: unknown,
  args: unknown[],
): Promise<unknown> {
  run.callBegan();
  try {
    const result: unknown = await method.apply(self, args);
    return isObservable(result) ? observed(result, run) : result;
  } finally {
    run.callEnded();
  }
}

function observed(stream: Observable<unknown>, run: RunContext['run']): Observable<unknown> {
  return stream.pipe(
    tap({
      subscribe: () => {
        run.callBegan();
        run.thrown = run.last = undefined;
      },
      finalize: () => run.callEnded(),
      next: (value) => (run.last = value),
      error: (error: unknown) => (run.thrown = { error }),
    }),
  );
}
