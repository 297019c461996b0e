import { asError } from './errors/error-record.js';
import type { EventBus } from './event-bus.js';
import type { Instrumentation, MessageToSend, Sending, SendingKind } from './instrumentation.js';
import type { Delivery } from './delivery.js';
import type { Metadata } from './message.js';
import { disarm } from './returned-promise.js';
import type { Settlement, SettleOutcome } from './settlement.js';

type Failed = (method: string, error: unknown) => void;

/**
 * Stands between the engine and an instrumentation, as foreign code runs behind it: samplers, span
 * processors, propagators. What it throws changes nothing for a message. `listener-failed` tells of it.
 */
export class GuardedInstrumentation implements Instrumentation {
  constructor(
    private readonly inner: Instrumentation,
    private readonly events: Pick<EventBus, 'emit'>,
  ) {}

  sending(messages: readonly MessageToSend[], kind: SendingKind): Sending {
    const sending = this.tried('sending', () => this.inner.sending(messages, kind));
    return sending ? new GuardedSending(sending, this.failed) : UNWATCHED;
  }

  async run<T>(deliveries: readonly Delivery[], work: () => Promise<T>): Promise<T> {
    let running: Promise<T> | undefined;
    // In a promise, so that also a `work` that throws at once has run.
    const once = (): Promise<T> => (running ??= new Promise<T>((resolve) => resolve(work())));
    try {
      await this.inner.run(deliveries, once);
    } catch (error) {
      await this.ownError(running, error);
    }
    return once();
  }

  following(delivery: Delivery): Metadata | undefined {
    return this.tried('following', () => this.inner.following(delivery));
  }

  settled(delivery: Delivery, settlement: Settlement, outcome: SettleOutcome): void {
    this.tried('settled', () => this.inner.settled(delivery, settlement, outcome));
  }

  /** Tells of an error that is not that of the run. */
  private async ownError(running: Promise<unknown> | undefined, error: unknown): Promise<void> {
    const isOfRun = await running?.then(
      () => false,
      (thrown: unknown) => thrown === error,
    );
    if (!isOfRun) this.failed('run', error);
  }

  private tried<T>(method: string, call: () => T): T | undefined {
    return tried(method, call, this.failed);
  }

  private readonly failed: Failed = (method, thrown) => {
    const listener = `the method ${method} of the instrumentation`;
    this.events.emit('listener-failed', { listener, error: asError(thrown) });
  };
}

class GuardedSending implements Sending {
  constructor(
    private readonly inner: Sending,
    private readonly failed: Failed,
  ) {}

  metadataOf(index: number): Metadata | undefined {
    return tried('metadataOf', () => this.inner.metadataOf(index), this.failed);
  }

  within<T>(work: () => T): T {
    let ran: { readonly value: T } | { readonly thrown: unknown } | undefined;
    const once = (): T => {
      ran ??= outcomeOf(work);
      if ('thrown' in ran) throw ran.thrown;
      return ran.value;
    };
    try {
      this.inner.within(once);
    } catch (error) {
      const isOfWork = ran && 'thrown' in ran && ran.thrown === error;
      if (!isOfWork) this.failed('within', error);
    }
    return once();
  }

  ended(outcome?: readonly (string | Error)[] | Error): void {
    tried('ended', () => this.inner.ended(outcome), this.failed);
  }
}

const UNWATCHED: Sending = {
  metadataOf: () => undefined,
  within: (work) => work(),
  ended: () => {},
};

/** Also tells of a promise that rejects: a method that should return nothing may be async. */
function tried<T>(method: string, call: () => T, failed: Failed): T | undefined {
  try {
    const answer = call();
    const isPromise = disarm(answer, (error) => failed(method, error));
    return isPromise ? undefined : answer;
  } catch (error) {
    failed(method, error);
    return undefined;
  }
}

function outcomeOf<T>(work: () => T): { readonly value: T } | { readonly thrown: unknown } {
  try {
    return { value: work() };
  } catch (thrown) {
    return { thrown };
  }
}
