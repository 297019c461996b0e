import { StreamsError } from './streams.error.js';

/** A transport or a consumer was started a second time. What runs goes on. */
export class AlreadyRunningError extends StreamsError {
  static readonly code: string = 'ALREADY_RUNNING';
  static readonly advice: string =
    'Start it once: a transport by listen() or startAllMicroservices(), a consumer by start() or subscribe(). Let one callback of a consumer handle all event types, or create another consumer.';

  /** @param what the transport or consumer, at the beginning of a sentence */
  constructor(what: string) {
    super(AlreadyRunningError.code, `${what} runs already. ${AlreadyRunningError.advice}`);
  }
}

/** A handler was added to a transport that listens: no message would reach the handler. */
export class BindingWhileRunningError extends StreamsError {
  static readonly code: string = 'BINDING_WHILE_RUNNING';
  static readonly advice: string =
    'Connect the transport to all its handlers before listen() or startAllMicroservices(). While it runs, add a function by transport.subscribe().';

  constructor(
    /** Name of the transport. */
    readonly transport: string,
    /** What the handler takes. */
    readonly pattern: string,
  ) {
    super(
      BindingWhileRunningError.code,
      `The handler of "${pattern}" was added to the transport "${transport}", which runs already. ` +
        BindingWhileRunningError.advice,
    );
  }
}

/**
 * A transport was told to listen, and has nothing to feed. Thrown by `listen`, for a transport that is
 * made without a module. A transport of a module raises the warning `NO_HANDLER`, because consumers and
 * functions may be added later.
 */
export class NoHandlerError extends StreamsError {
  static readonly code: string = 'NO_HANDLER';
  static readonly advice: string =
    'List the classes with @StreamHandler or @EventPattern methods in controllers of a module that the application imports, and check the option name. Add functions by transport.subscribe() before listen().';

  constructor(
    /** Name of the transport. */
    readonly transport: string,
    /** The driver that fills the slot of its message source. */
    readonly driver: string,
  ) {
    super(
      NoHandlerError.code,
      `The transport "${transport}" (message source ${driver}) has no handler. ${NoHandlerError.advice}`,
    );
  }
}
