import { EventEmitter } from 'node:events';
import { disarm } from './returned-promise.js';
import { asError } from './errors/error-record.js';
import { withoutPasswords } from './errors/text-of.js';
import type { StreamsEventName, StreamsEvents } from './events.js';

/**
 * Passes the library's events to listeners. A listener that throws, or returns a promise that
 * rejects, does not harm the engine: `listener-failed` tells of it.
 */
export class EventBus {
  private readonly emitter = new EventEmitter().setMaxListeners(0);
  private readonly names = new Set<StreamsEventName>();
  private readonly labels = new WeakMap<object, string>();
  /** Events that have listeners. Asked before building a costly event. */
  readonly listened: ReadonlySet<StreamsEventName> = this.names;

  /**
   * @param label what `listener-failed` calls the listener. @default `a listener of '<name>'`
   * @returns a function that ends listening
   */
  on<N extends StreamsEventName>(
    name: N,
    listener: (event: StreamsEvents[N]) => void,
    label?: string,
  ): () => void {
    this.emitter.on(name, listener);
    this.names.add(name);
    if (label !== undefined) this.labels.set(listener, label);
    return () => {
      this.emitter.off(name, listener);
      if (this.emitter.listenerCount(name) === 0) this.names.delete(name);
    };
  }

  emit<N extends StreamsEventName>(name: N, event: StreamsEvents[N]): void {
    for (const listener of this.emitter.listeners(name)) {
      try {
        const answer: unknown = listener(event);
        if (answer !== undefined) disarm(answer, (error) => this.failed(name, listener, error));
      } catch (error) {
        this.failed(name, listener, error);
      }
    }
  }

  private failed(name: StreamsEventName, listener: object, thrown: unknown): void {
    const error = asError(thrown);
    if (name !== 'listener-failed') {
      const label = this.labels.get(listener) ?? `a listener of '${name}'`;
      this.emit('listener-failed', { listener: label, error });
      if (this.listened.has('listener-failed')) return;
    }
    const said = withoutPasswords(error.message);
    process.emitWarning(`A listener of "${name}" threw: ${said}`, 'StreamsWarning');
  }
}
